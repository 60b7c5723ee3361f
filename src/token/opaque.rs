//! From `Token<Opaque>` to `Token<Introspected>`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Token;
use super::claims::{self, Claims, is_foreign_type};
use super::evidence::Answered;
use super::parse::decode;
use super::state::{Introspected, Opaque, Statement};
use crate::id::Issuer;
use crate::reason_code::ReasonCode;
use crate::secret::BearerToken;

/// Why what an issuer answers does not make a token active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// `active` is not `true`: the token is over, revoked, unknown there, or not for this server to
    /// know (RFC 7662 section 2.2).
    #[error("its issuer does not call it active")]
    Inactive,
    /// The answer names another issuer than the one that was asked.
    #[error("the answer about it names another issuer")]
    OtherIssuer,
}

impl IntrospectionError {
    /// A stable code.
    pub(crate) const fn code(self) -> ReasonCode {
        match self {
            Self::Inactive => ReasonCode::Inactive,
            Self::OtherIssuer => ReasonCode::AnswerOfAnotherIssuer,
        }
    }
}

/// Why an answer makes no token active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotActive {
    /// The issuer says so.
    Refused(IntrospectionError),
    /// It cannot be read in one way, and says nothing about the token: it is no answer, it has no `active`,
    /// a member stands twice or has the wrong type.
    Unread,
}

impl From<IntrospectionError> for NotActive {
    fn from(error: IntrospectionError) -> Self {
        Self::Refused(error)
    }
}

impl Token<Opaque> {
    /// Takes a token of which nothing can be read.
    ///
    /// # Examples
    /// ```
    /// use clearance::secret::BearerToken;
    /// use clearance::token::Token;
    ///
    /// let token = Token::opaque(BearerToken::from_bytes(b"2YotnFZFEjr1zCsicMWpAA")?);
    /// assert_eq!(format!("{token:?}"), "Token { state: Opaque(..) }");
    /// # Ok::<(), clearance::secret::BearerSyntaxError>(())
    /// ```
    pub const fn opaque(raw: BearerToken) -> Self {
        Self::begin(Opaque { raw })
    }

    pub(crate) const fn raw(&self) -> &BearerToken {
        &self.state.raw
    }

    /// The text, for the issuer and for nobody else.
    pub(crate) fn expose(&self) -> &[u8] {
        self.state.raw.expose()
    }
}

impl Token<Introspected> {
    /// Accepts the token as active by the answer of `issuer`.
    ///
    /// # Errors
    /// [`NotActive`]; the token is gone then.
    pub(crate) fn of_answer(
        answered: Answered<Token<Opaque>>,
        issuer: &Issuer,
    ) -> Result<Self, NotActive> {
        let (token, answer) = answered.into_parts();
        token.advance(|Opaque { .. }| {
            let decoded = String::from_utf8(answer.to_vec());
            let decoded = decoded.ok().ok_or(NotActive::Unread)?;
            let claims = claims::members(&decoded, 0).ok().ok_or(NotActive::Unread)?;
            // It was read strictly, so that reading it again gives the same members.
            let said: Option<Said> = serde_json::from_str(&decoded).ok();
            let said = said.ok_or(NotActive::Unread)?;
            match &said.active {
                Some(Value::Bool(true)) => {}
                Some(_) => return Err(IntrospectionError::Inactive.into()),
                // RFC 7662 section 2.2 requires it: this is some other document.
                None => return Err(NotActive::Unread),
            }
            let named = claims.issuer.as_ref().map(|named| named.of(&decoded));
            if named.is_some_and(|named| named != issuer.as_str()) {
                return Err(IntrospectionError::OtherIssuer.into());
            }
            Ok(Introspected {
                is_access_token: said.is_access_token(&claims),
                statement: Statement {
                    issuer: issuer.clone(),
                    decoded,
                    boundary: 0,
                    claims,
                },
            })
        })
    }

    /// Who was asked.
    pub const fn issuer(&self) -> &Issuer {
        &self.state.statement.issuer
    }
}

/// What an answer has that claims have not.
#[derive(Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "some")]
    active: Option<Value>,
    token_type: Option<Value>,
    token_use: Option<Value>,
    typ: Option<Value>,
}

impl Said {
    /// Whether nothing says that it is another kind of token: servers call refresh tokens and ID
    /// tokens active too.
    fn is_access_token(&self, claims: &Claims) -> bool {
        let is_one_of = |said: &Option<Value>, names: &[&str]| {
            said.as_ref().is_none_or(|said| {
                let said = said.as_str().unwrap_or_default();
                names.iter().any(|name| said.eq_ignore_ascii_case(name))
            })
        };
        // The member of RFC 7662 section 2.2, and those of servers that tell their kinds apart.
        is_one_of(&self.token_type, &["Bearer", "access_token"])
            && is_one_of(&self.token_use, &["access_token", "access"])
            && is_one_of(
                &self.typ,
                &["Bearer", "at+jwt", "application/at+jwt", "JWT"],
            )
            && !claims.of_id_token
    }
}

/// A member that is there, be it `null`.
fn some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Whether `issuer` may be shown this token: if it is no JWT, or if it is one that says it comes from
/// there, and that it is no other kind of token. Whatever else is a JWT belongs to somebody else, and what
/// may be one is taken for one.
pub(crate) fn may_be_shown(raw: &BearerToken, issuer: &Issuer) -> bool {
    let mut segments = raw.expose().split(|&byte| byte == b'.');
    let header = segments.next().unwrap_or_default();
    let Some(payload) = segments.next() else {
        return true;
    };
    let Some(header) = header_of(header) else {
        return true;
    };
    let header: Option<Header> = serde_json::from_str(&header).ok();
    let kind = header.as_ref().and_then(|header| header.typ.as_deref());
    if header.is_none() || kind.is_some_and(is_foreign_type) {
        return false;
    }
    let Ok(decoded) = decode(payload, Vec::new()) else {
        return false;
    };
    let claims = claims::members(&decoded, 0).ok();
    let named = claims.and_then(|claims| claims.issuer);
    named.is_some_and(|named| named.of(&decoded) == issuer.as_str())
}

#[derive(Deserialize)]
struct Header {
    /// Here so that a header has it once.
    #[serde(rename = "alg")]
    _alg: String,
    typ: Option<String>,
}

/// The text of what is, or may be, a JOSE header, of a signed token or of an encrypted one (RFC 7515
/// section 4.1.1): an object with `alg`, or with a name that may be that one, however it is spelled.
fn header_of(segment: &[u8]) -> Option<String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let segment: Vec<u8> = segment
        .iter()
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        })
        .collect();
    let decoded = LENIENT.decode(segment).ok()?;
    let text = String::from_utf8_lossy(&decoded);
    let object = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_header =
        object.starts_with('{') && (object.contains("\"alg\"") || object.contains("\\u"));
    is_header.then(|| object.to_owned())
}
