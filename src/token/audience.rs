//! From `Token<SignatureVerified>` to `Token<AudienceVerified>`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Token;
use super::acceptance::{Acceptance, ClientClaim, IssuerRules, Rules, ScopeSource};
use super::claims::{Claims, Kind};
use super::json::{Text, Texts};
use super::state::{AudienceVerified, SignatureVerified};
use super::verified::{Principal, Verified, since_1970};
use crate::id::{ClientId, Issuer, IssuerSession, Subject, TokenId};
use crate::scope::Granted;

/// How far in the future `iat` may lie: clocks differ, and no more than that.
pub(crate) const ISSUED_AT_SKEW: Duration = Duration::from_secs(10);

/// Why a genuine token is not an access token for this resource at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AudienceError {
    /// It is bound to a key (`cnf`), and no proof of possession is verified (RFC 7800).
    #[error("bound to a key whose possession was not shown")]
    BoundToKey,
    /// `exp` plus the leeway has passed (RFC 7519 section 4.1.4).
    #[error("expired")]
    Expired,
    /// It is an ID token or another kind of JWT (RFC 9068 section 4, RFC 8725 section 3.11).
    #[error("not an access token")]
    ForeignType,
    /// `iat` lies in the future, or not before `exp`.
    #[error("issued in the future")]
    IssuedInFuture,
    /// The time between `iat` and `exp` is longer than the guard allows.
    #[error("lives longer than the guard allows")]
    LivesTooLong,
    /// A claim that must be there is not, or has the wrong type (RFC 9068 section 2.2).
    #[error("a required claim is missing or has the wrong type")]
    MissingClaim,
    /// `nbf` has not come yet (RFC 7519 section 4.1.5).
    #[error("not yet valid")]
    NotYetValid,
    /// No audience is a resource of this guard (RFC 7519 section 4.1.3).
    #[error("meant for another resource")]
    OtherResource,
    /// It was issued longer ago than the guard allows.
    #[error("issued longer ago than the guard allows")]
    TooOld,
    /// The guard does not trust this issuer.
    #[error("the issuer is not trusted")]
    UnknownIssuer,
}

impl AudienceError {
    /// A stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::BoundToKey => "bound_to_key",
            Self::Expired => "expired",
            Self::ForeignType => "foreign_type",
            Self::IssuedInFuture => "issued_in_future",
            Self::LivesTooLong => "lives_too_long",
            Self::MissingClaim => "missing_claim",
            Self::NotYetValid => "not_yet_valid",
            Self::OtherResource => "other_resource",
            Self::TooOld => "too_old",
            Self::UnknownIssuer => "unknown_issuer",
        }
    }
}

impl Token<SignatureVerified> {
    /// Accepts the token as an access token for a resource of `acceptance`, in force at `now`.
    ///
    /// # Errors
    /// [`AudienceError`]; the token is gone then.
    ///
    /// # Specification
    /// [RFC 9068 section 4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
    pub fn verify_audience(
        self,
        acceptance: &Acceptance,
        now: DateTime<Utc>,
    ) -> Result<Token<AudienceVerified>, AudienceError> {
        let rules = acceptance.rules();
        self.advance(|state| {
            let mut issuers = rules.issuers.iter().enumerate();
            let (source, issuer) = issuers
                .find(|(_, of)| of.issuer == state.issuer)
                .ok_or(AudienceError::UnknownIssuer)?;
            let (issued_at, deadline) = window(&state.claims, rules, since_1970(now))?;
            let reading = Reading {
                rules,
                issuer,
                state: &state,
            };
            reading.kind()?;
            reading.audience()?;
            Ok(AudienceVerified {
                verified: Arc::new(Verified {
                    principal_key: OnceLock::new(),
                    principal: reading.principal()?,
                    token_id: reading.token_id()?,
                    session: reading.session(),
                    granted: reading.scopes()?,
                    extra: reading.extra()?,
                    issued_at,
                    deadline,
                    signed_by: state.key,
                    source,
                    rules: Arc::clone(rules),
                }),
            })
        })
    }
}

impl Token<SignatureVerified> {
    /// When it dies by these rules, since 1970, if it says so.
    pub(crate) fn deadline(&self, acceptance: &Acceptance) -> Option<Duration> {
        let claims = &self.state.claims;
        claims.expires_at.map(|at| deadline(at, acceptance.rules()))
    }
}

/// When a token dies that expires at this moment, all since 1970.
const fn deadline(expires_at: Duration, rules: &Rules) -> Duration {
    expires_at.saturating_add(rules.leeway)
}

/// When the token was issued and when it dies, if `now` lies between. All since 1970.
fn window(
    claims: &Claims,
    rules: &Rules,
    now: Duration,
) -> Result<(Duration, Duration), AudienceError> {
    let (Some(expires_at), Some(issued_at)) = (claims.expires_at, claims.issued_at) else {
        return Err(AudienceError::MissingClaim);
    };
    let deadline = deadline(expires_at, rules);
    if now >= deadline {
        return Err(AudienceError::Expired);
    }
    let latest = now.saturating_add(rules.leeway);
    if claims
        .not_before
        .is_some_and(|not_before| not_before > latest)
    {
        return Err(AudienceError::NotYetValid);
    }
    if issued_at > now.saturating_add(ISSUED_AT_SKEW) || issued_at >= expires_at {
        return Err(AudienceError::IssuedInFuture);
    }
    if expires_at.saturating_sub(issued_at) > rules.max_lifetime {
        return Err(AudienceError::LivesTooLong);
    }
    // What is older than allowed is dead as well, from the first moment on.
    let too_old = rules.too_old_at(issued_at);
    if now >= too_old {
        return Err(AudienceError::TooOld);
    }
    Ok((issued_at, deadline.min(too_old)))
}

/// A token's claims under one issuer's rules.
struct Reading<'a> {
    rules: &'a Rules,
    issuer: &'a IssuerRules,
    state: &'a SignatureVerified,
}

impl Reading<'_> {
    fn text<'t>(&'t self, text: Option<&'t Text>) -> Option<&'t str> {
        text.map(|text| text.of(&self.state.decoded))
    }

    fn kind(&self) -> Result<(), AudienceError> {
        let claims = &self.state.claims;
        if claims.confirmation.is_some() {
            return Err(AudienceError::BoundToKey);
        }
        match &self.state.header.kind {
            Kind::AccessToken => Ok(()),
            Kind::Missing | Kind::Jwt if self.issuer.generic_type => {
                // RFC 8725 section 3.12: without a type of their own, the kinds of token must be
                // told apart by claims that the others do not have.
                let scoped = match &self.issuer.scopes {
                    ScopeSource::Scope | ScopeSource::ScopeOrArray => claims.scope.is_some(),
                    ScopeSource::Scp => claims.scp.is_some(),
                    ScopeSource::Mapped { path, .. } => self.at_path(path).is_some(),
                };
                if claims.of_id_token || !scoped {
                    return Err(AudienceError::ForeignType);
                }
                Ok(())
            }
            Kind::Other(kind) if self.issuer.types.contains(kind) => Ok(()),
            Kind::Missing | Kind::Jwt | Kind::Other(_) => Err(AudienceError::ForeignType),
        }
    }

    fn audience(&self) -> Result<(), AudienceError> {
        let Some(audience) = &self.state.claims.audience else {
            return Err(AudienceError::MissingClaim);
        };
        if matches!(audience, Texts::Wrong) {
            return Err(AudienceError::MissingClaim);
        }
        let accepted = |value: &str| {
            self.rules.resource.is_named_by(value)
                || self
                    .rules
                    .alias
                    .as_ref()
                    .is_some_and(|alias| alias.is_named_by(value))
                || self.issuer.audiences.iter().any(|other| **other == *value)
        };
        if !audience.of(&self.state.decoded).any(accepted) {
            return Err(AudienceError::OtherResource);
        }
        Ok(())
    }

    fn principal(&self) -> Result<Principal, AudienceError> {
        let subject = self.text(self.state.claims.subject.as_ref());
        Ok(Principal {
            issuer: Issuer::clone(&self.issuer.issuer),
            subject: subject
                .map(Subject::new)
                .ok_or(AudienceError::MissingClaim)?,
            client: self
                .client()
                .map(ClientId::new)
                .ok_or(AudienceError::MissingClaim)?,
        })
    }

    fn client(&self) -> Option<&str> {
        let claims = &self.state.claims;
        let claim = match self.issuer.client {
            Some(ClientClaim::AppId) => &claims.appid,
            Some(ClientClaim::Azp) => &claims.azp,
            Some(ClientClaim::Cid) => &claims.cid,
            // The option for generic types brings `azp` along.
            None if self.issuer.generic_type && claims.client_id.is_none() => &claims.azp,
            None | Some(ClientClaim::ClientId) => &claims.client_id,
        };
        match claim {
            Some(Texts::One(text)) => self.text(Some(text)).filter(|text| !text.is_empty()),
            None | Some(Texts::Many(_) | Texts::Wrong) => None,
        }
    }

    fn token_id(&self) -> Result<Option<TokenId>, AudienceError> {
        let id = self
            .text(self.state.claims.token_id.as_ref())
            .map(TokenId::new);
        if id.is_none() && self.issuer.token_id_required {
            return Err(AudienceError::MissingClaim);
        }
        Ok(id)
    }

    /// What is no text names no session.
    fn session(&self) -> Option<IssuerSession> {
        match &self.state.claims.session {
            Some(Texts::One(text)) => self.text(Some(text)).map(IssuerSession::new),
            None | Some(Texts::Many(_) | Texts::Wrong) => None,
        }
    }

    fn scopes(&self) -> Result<Granted, AudienceError> {
        let claims = &self.state.claims;
        let (claim, arrays) = match &self.issuer.scopes {
            ScopeSource::Scope => (&claims.scope, false),
            ScopeSource::ScopeOrArray => (&claims.scope, true),
            ScopeSource::Scp => (&claims.scp, true),
            ScopeSource::Mapped { path, table } => return self.mapped(path, table),
        };
        match claim {
            // Absent means no scope (RFC 9068 section 2.2.3), never all of them.
            None => Ok(Granted::default()),
            Some(Texts::Wrong) => Err(AudienceError::MissingClaim),
            Some(Texts::Many(_)) if !arrays => Err(AudienceError::MissingClaim),
            Some(texts) => {
                let names = texts
                    .of(&self.state.decoded)
                    .flat_map(|text| words(text.as_bytes()));
                Ok(self
                    .rules
                    .table
                    .read(names.map(|name| self.unprefixed(name))))
            }
        }
    }

    fn unprefixed<'t>(&self, name: &'t [u8]) -> &'t [u8] {
        match &self.issuer.scope_prefix {
            Some(prefix) => name.strip_prefix(prefix.as_bytes()).unwrap_or(name),
            None => name,
        }
    }

    /// Scopes from one other claim. The document was read strictly before, so reading it again
    /// gives the same members.
    fn mapped(
        &self,
        path: &[Box<str>],
        table: &[(Box<str>, Box<str>)],
    ) -> Result<Granted, AudienceError> {
        let values = match self.at_path(path) {
            None => return Ok(Granted::default()),
            Some(Value::String(value)) => vec![Value::String(value)],
            Some(Value::Array(values)) if values.iter().all(Value::is_string) => values,
            Some(_) => return Err(AudienceError::MissingClaim),
        };
        let scopes = values.iter().flat_map(|value| {
            let of_value = table
                .iter()
                .filter(|(from, _)| value.as_str() == Some(from));
            of_value.map(|(_, scope)| scope.as_bytes())
        });
        Ok(self.rules.table.read(scopes))
    }

    fn at_path(&self, path: &[Box<str>]) -> Option<Value> {
        let mut value: Value = serde_json::from_str(self.claims_text()).ok()?;
        for name in path {
            value = value.get_mut(&**name)?.take();
        }
        Some(value)
    }

    fn extra(&self) -> Result<Option<Box<dyn std::any::Any + Send + Sync>>, AudienceError> {
        match self.issuer.extra {
            None => Ok(None),
            Some(decode) => match decode(self.claims_text()) {
                Some(extra) => Ok(Some(extra)),
                None => Err(AudienceError::MissingClaim),
            },
        }
    }

    fn claims_text(&self) -> &str {
        self.state
            .decoded
            .get(self.state.boundary..)
            .unwrap_or_default()
    }
}

/// The parts of `text` between blanks, empty ones included.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (word, others) = match memchr::memchr(b' ', text) {
            Some(blank) => (text.get(..blank)?, text.get(blank.saturating_add(1)..)),
            None => (text, None),
        };
        rest = others;
        Some(word)
    })
}
