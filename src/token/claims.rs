//! Header and claims as they stand in the token, read once.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{MapAccess, Visitor};

use super::ParseError;
use super::json::{AsDate, AsText, AsTexts, Others, Reading, Skip, Text, Texts};
use crate::jwk::{Algorithm, LONGEST_KEY_ID};

/// The protected header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kind: Kind,
    pub(super) key_id: Option<Text>,
}

/// What `typ` says. Media types are compared without case, and `application/` may be left out
/// (RFC 7515 section 4.1.9).
#[derive(Debug)]
pub(super) enum Kind {
    AccessToken,
    Jwt,
    Missing,
    Other(Box<str>),
}

/// The claims that somebody reads. What is absent is `None`; who needs it says so later.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) issuer: Option<Text>,
    pub(super) subject: Option<Text>,
    pub(super) audience: Option<Texts>,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) not_before: Option<DateTime<Utc>>,
    pub(super) issued_at: Option<DateTime<Utc>>,
    pub(super) token_id: Option<Text>,
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

/// Reads the header: `part` is a slice of `document`.
pub(super) fn header(document: &str, part: &str) -> Result<Header, ParseError> {
    let reading = Reading::new(document);
    reading.object(part, HeaderVisitor(&reading))
}

/// Reads the claims: `part` is a slice of `document`.
pub(super) fn claims(document: &str, part: &str) -> Result<Claims, ParseError> {
    let reading = Reading::new(document);
    reading.object(part, ClaimsVisitor(&reading))
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
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix("application/").unwrap_or(&lower) {
            "at+jwt" => Self::AccessToken,
            "jwt" => Self::Jwt,
            other => Self::Other(other.into()),
        }
    }
}

struct ClaimsVisitor<'a>(&'a Reading<'a>);

impl<'de> Visitor<'de> for ClaimsVisitor<'_> {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims = Claims::default();
        let mut others = Others::default();
        while let Some(name) = self.0.name(&mut map)? {
            if let Some(name) = self.member(&mut claims, name, &mut map)? {
                claims.of_id_token |= matches!(&*name, "nonce" | "at_hash" | "c_hash");
                others.skip(self.0, name, &mut map, 2)?;
            }
        }
        Ok(claims)
    }
}

impl ClaimsVisitor<'_> {
    /// Reads a member that is known, or gives its name back.
    fn member<'de, A: MapAccess<'de>>(
        &self,
        claims: &mut Claims,
        name: Cow<'de, str>,
        map: &mut A,
    ) -> Result<Option<Cow<'de, str>>, A::Error> {
        let reading = self.0;
        let text = match &*name {
            "iss" => &mut claims.issuer,
            "sub" => &mut claims.subject,
            "jti" => &mut claims.token_id,
            _ => return self.other_member(claims, name, map),
        };
        let value: Text = map.next_value_seed(AsText(reading))?;
        if reading.text_of(&value).is_empty() {
            return Err(reading.refuse(ParseError::Member));
        }
        reading.once(text, value)?;
        Ok(None)
    }

    fn other_member<'de, A: MapAccess<'de>>(
        &self,
        claims: &mut Claims,
        name: Cow<'de, str>,
        map: &mut A,
    ) -> Result<Option<Cow<'de, str>>, A::Error> {
        let reading = self.0;
        let date = match &*name {
            "exp" => Some(&mut claims.expires_at),
            "nbf" => Some(&mut claims.not_before),
            "iat" => Some(&mut claims.issued_at),
            _ => None,
        };
        if let Some(date) = date {
            reading.once(date, map.next_value_seed(AsDate)?)?;
            return Ok(None);
        }
        let texts = match &*name {
            "aud" => &mut claims.audience,
            "client_id" => &mut claims.client_id,
            "azp" => &mut claims.azp,
            "cid" => &mut claims.cid,
            "appid" => &mut claims.appid,
            "scope" => &mut claims.scope,
            "scp" => &mut claims.scp,
            "cnf" => {
                map.next_value_seed(Skip { reading, depth: 2 })?;
                reading.once(&mut claims.confirmation, ())?;
                return Ok(None);
            }
            _ => return Ok(Some(name)),
        };
        reading.once(texts, map.next_value_seed(AsTexts::new(reading))?)?;
        Ok(None)
    }
}
