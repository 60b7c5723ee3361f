//! From `Token<Opaque>` to `Token<Introspected>`.

use serde::Deserialize;
use serde_json::Value;

use super::claims::{self, Claims};
use super::evidence::Answered;
use super::parse::decode;
use super::state::{Introspected, Opaque, Statement};
use super::{ParseError, Token};
use crate::id::Issuer;
use crate::secret::BearerToken;

/// Why what an issuer answers does not make a token active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// `active` is not `true`: the token is over, revoked, unknown there, or not for this server to
    /// know (RFC 7662 section 2.2).
    #[error("its issuer does not call it active")]
    Inactive,
    /// The answer is no claims set: a member stands twice or has the wrong type.
    #[error("the answer about it is no claims set: {0}")]
    Malformed(ParseError),
    /// The answer names another issuer than the one that was asked.
    #[error("the answer about it names another issuer")]
    OtherIssuer,
}

impl IntrospectionError {
    /// A stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Malformed(_) => "malformed_answer",
            Self::OtherIssuer => "answer_of_another_issuer",
        }
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

    /// The text, for the issuer and for nobody else.
    pub(crate) fn expose(&self) -> &[u8] {
        self.state.raw.expose()
    }
}

impl Token<Introspected> {
    /// Accepts the token as active by the answer of `issuer`.
    ///
    /// # Errors
    /// [`IntrospectionError`]; the token is gone then.
    pub(crate) fn of_answer(
        answered: Answered<Token<Opaque>>,
        issuer: &Issuer,
    ) -> Result<Self, IntrospectionError> {
        let (token, answer) = answered.into_parts();
        token.advance(|Opaque { .. }| {
            let decoded = String::from_utf8(answer.to_vec()).ok();
            let decoded = decoded.ok_or(IntrospectionError::Malformed(ParseError::Json))?;
            let claims = claims::members(&decoded, 0).map_err(IntrospectionError::Malformed)?;
            // It was read strictly, so that reading it again gives the same members.
            let said: Said = serde_json::from_str(&decoded)
                .ok()
                .ok_or(IntrospectionError::Malformed(ParseError::Json))?;
            if said.active != Some(Value::Bool(true)) {
                return Err(IntrospectionError::Inactive);
            }
            let named = claims.issuer.as_ref().map(|named| named.of(&decoded));
            if named.is_some_and(|named| named != issuer.as_str()) {
                return Err(IntrospectionError::OtherIssuer);
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

/// Whether `issuer` may be shown this token: if it is no JWT, or if it is one that says it comes from
/// there. Whatever else is a JWT belongs to somebody else.
pub(crate) fn may_be_shown(raw: &BearerToken, issuer: &Issuer) -> bool {
    let mut segments = raw.expose().split(|&byte| byte == b'.');
    let header = segments.next().unwrap_or_default();
    let Some(payload) = segments.next() else {
        return true;
    };
    if !is_header(header) {
        return true;
    }
    let Ok(decoded) = decode(payload, Vec::new()) else {
        return false;
    };
    let claims = claims::members(&decoded, 0).ok();
    let named = claims.and_then(|claims| claims.issuer);
    named.is_some_and(|named| named.of(&decoded) == issuer.as_str())
}

/// Whether this is a JOSE header, of a signed token or of an encrypted one (RFC 7515 section 4.1.1).
fn is_header(segment: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Header {
        alg: Option<serde::de::IgnoredAny>,
    }
    let decoded = decode(segment, Vec::new()).unwrap_or_default();
    decoded.trim_ascii_start().starts_with('{')
        && serde_json::from_str(&decoded).is_ok_and(|header: Header| header.alg.is_some())
}
