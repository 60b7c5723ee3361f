//! Header and claims as they stand in the token, read once.

use std::fmt;
use std::time::Duration;

use serde::de::{MapAccess, Visitor};

use super::ParseError;
use super::json::{AsDate, AsText, AsTexts, Others, Reading, Skip, Text, Texts};
use crate::jwk::{Algorithm, LONGEST_KEY_ID};

/// The protected header.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kind: Kind,
    pub(super) key_id: Option<Text>,
}

/// What `typ` says. Media types are compared without case, and `application/` may be left out
/// (RFC 7515 section 4.1.9).
#[derive(Clone, Debug)]
pub(super) enum Kind {
    AccessToken,
    Jwt,
    Missing,
    Other(Box<str>),
}

/// Types of tokens that are never access tokens, in any mode (RFC 8725 section 3.11).
const FOREIGN_TYPES: [&str; 12] = [
    "client-authentication+jwt",
    "dpop+jwt",
    "entity-statement+jwt",
    "id_token+jwt",
    "kb+jwt",
    "logout+jwt",
    "oauth-authz-req+jwt",
    "oauth-id-jag+jwt",
    "secevent+jwt",
    "token-introspection+jwt",
    "vc+sd-jwt",
    "dc+sd-jwt",
];

/// Whether `typ` names a kind of token that is never an access token.
pub(crate) fn is_foreign_type(kind: &str) -> bool {
    const PREFIX: &str = "application/";
    let short = match kind.split_at_checked(PREFIX.len()) {
        Some((prefix, short)) if prefix.eq_ignore_ascii_case(PREFIX) => short,
        _ => kind,
    };
    let mut foreign = FOREIGN_TYPES.iter();
    foreign.any(|kind| short.eq_ignore_ascii_case(kind))
}

/// The claims that somebody reads; dates are times since 1970. What is absent is `None`; who needs it says so later.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) issuer: Option<Text>,
    pub(super) subject: Option<Text>,
    pub(super) audience: Option<Texts>,
    pub(super) expires_at: Option<Duration>,
    pub(super) not_before: Option<Duration>,
    pub(super) issued_at: Option<Duration>,
    pub(super) token_id: Option<Text>,
    pub(super) session: Option<Texts>,
    pub(super) client_id: Option<Texts>,
    pub(super) azp: Option<Texts>,
    pub(super) cid: Option<Texts>,
    pub(super) appid: Option<Texts>,
    pub(super) scope: Option<Texts>,
    pub(super) scp: Option<Texts>,
    /// `cnf`: the token is bound to a key (RFC 7800 section 3.1).
    pub(super) confirmation: Option<()>,
    /// `nonce`, `at_hash` or `c_hash`: claims of ID tokens.
    pub(super) of_id_token: bool,
}

/// Reads a header, which is all of `document`.
pub(super) fn header(document: &str) -> Result<Header, ParseError> {
    let reading = Reading::new(document);
    reading.object(document, HeaderVisitor(&reading))
}

/// Reads the claims, which are `document` from `start` on.
pub(super) fn claims(document: &str, start: usize) -> Result<Box<Claims>, ParseError> {
    let claims = members(document, start)?;
    // RFC 9068 section 2.2: without it nobody could be asked for keys.
    if claims.issuer.is_none() {
        return Err(ParseError::Member);
    }
    Ok(claims)
}

/// The same where the issuer need not name itself.
pub(super) fn members(document: &str, start: usize) -> Result<Box<Claims>, ParseError> {
    let reading = &Reading::new(document);
    let part = document.get(start..).ok_or(ParseError::Json)?;
    // Filled where they stay: they are many bytes to move.
    let mut claims = Box::<Claims>::default();
    let into = &mut *claims;
    reading.object(part, ClaimsVisitor { reading, into })?;
    Ok(claims)
}

struct HeaderVisitor<'a>(&'a Reading<'a>);

impl<'de> Visitor<'de> for HeaderVisitor<'_> {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let reading = self.0;
        let (mut algorithm, mut kind, mut key_id) = (None, None, None);
        let mut others = Others::default();
        while let Some(name) = reading.name(&mut map)? {
            match &*name {
                "alg" => {
                    let name: Text = map.next_value_seed(AsText(reading))?;
                    let named = Algorithm::named(reading.text_of(&name));
                    let named = named.ok_or_else(|| reading.refuse(ParseError::Algorithm))?;
                    reading.once(&mut algorithm, named)?;
                }
                "typ" => {
                    let text: Text = map.next_value_seed(AsText(reading))?;
                    reading.once(&mut kind, Kind::of(reading.text_of(&text)))?;
                }
                "kid" => {
                    let id: Text = map.next_value_seed(AsText(reading))?;
                    if reading.text_of(&id).len() > LONGEST_KEY_ID {
                        return Err(reading.refuse(ParseError::KeyId));
                    }
                    reading.once(&mut key_id, id)?;
                }
                // RFC 7515 section 4.1.11: an extension that is not implemented refuses the
                // token, and none is implemented. RFC 7797 and RFC 7516 section 4.1.3 change what
                // the payload means; RFC 7519 section 5.2 announces another token inside.
                "crit" => return Err(reading.refuse(ParseError::Critical)),
                "b64" | "zip" | "cty" => return Err(reading.refuse(ParseError::Encoded)),
                // `jwk`, `jku`, `x5u`, `x5c` and all the rest: no meaning (RFC 8725 section 3.10).
                _ => others.skip(reading, name, &mut map, 2)?,
            }
        }
        Ok(Header {
            algorithm: algorithm.ok_or_else(|| reading.refuse(ParseError::Algorithm))?,
            kind: kind.unwrap_or(Kind::Missing),
            key_id,
        })
    }
}

impl Kind {
    fn of(text: &str) -> Self {
        const PREFIX: &str = "application/";
        let short = match text.split_at_checked(PREFIX.len()) {
            Some((prefix, short)) if prefix.eq_ignore_ascii_case(PREFIX) => short,
            _ => text,
        };
        if short.eq_ignore_ascii_case("at+jwt") {
            Self::AccessToken
        } else if short.eq_ignore_ascii_case("jwt") {
            Self::Jwt
        } else {
            Self::Other(short.to_ascii_lowercase().into())
        }
    }
}

struct ClaimsVisitor<'a> {
    reading: &'a Reading<'a>,
    into: &'a mut Claims,
}

impl<'de> Visitor<'de> for ClaimsVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self {
            reading,
            into: claims,
        } = self;
        let mut others = Others::default();
        while let Some(name) = reading.name(&mut map)? {
            match &*name {
                "iss" => reading.member_text(&mut claims.issuer, &mut map)?,
                "sub" => reading.member_text(&mut claims.subject, &mut map)?,
                "jti" => reading.member_text(&mut claims.token_id, &mut map)?,
                "exp" => reading.member_date(&mut claims.expires_at, &mut map)?,
                "nbf" => reading.member_date(&mut claims.not_before, &mut map)?,
                "iat" => reading.member_date(&mut claims.issued_at, &mut map)?,
                "aud" => reading.member_texts(&mut claims.audience, &mut map)?,
                "client_id" => reading.member_texts(&mut claims.client_id, &mut map)?,
                "scope" => reading.member_texts(&mut claims.scope, &mut map)?,
                "azp" => reading.member_texts(&mut claims.azp, &mut map)?,
                "cid" => reading.member_texts(&mut claims.cid, &mut map)?,
                "appid" => reading.member_texts(&mut claims.appid, &mut map)?,
                "scp" => reading.member_texts(&mut claims.scp, &mut map)?,
                "sid" => reading.member_texts(&mut claims.session, &mut map)?,
                "cnf" => {
                    map.next_value_seed(Skip { reading, depth: 2 })?;
                    reading.once(&mut claims.confirmation, ())?;
                }
                of_id_token => {
                    claims.of_id_token |= matches!(of_id_token, "nonce" | "at_hash" | "c_hash");
                    others.skip(reading, name, &mut map, 2)?;
                }
            }
        }
        Ok(())
    }
}

/// The members of a claims set.
impl Reading<'_> {
    fn member_text<'de, A: MapAccess<'de>>(
        &self,
        place: &mut Option<Text>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let value: Text = map.next_value_seed(AsText(self))?;
        if self.text_of(&value).is_empty() {
            return Err(self.refuse(ParseError::Member));
        }
        self.once(place, value)
    }

    fn member_date<'de, A: MapAccess<'de>>(
        &self,
        place: &mut Option<Duration>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.once(place, map.next_value_seed(AsDate)?)
    }

    fn member_texts<'de, A: MapAccess<'de>>(
        &self,
        place: &mut Option<Texts>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.once(place, map.next_value_seed(AsTexts::new(self))?)
    }
}
