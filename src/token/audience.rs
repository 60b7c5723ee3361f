//! From `Token<SignatureVerified>`, or `Token<Introspected>`, to `Token<AudienceVerified>`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Token;
use super::acceptance::{Acceptance, Rules};
use super::claimant::Claimant;
use super::reading::Reading;
#[cfg(feature = "fetch")]
use super::state::Introspected;
use super::state::{AudienceVerified, SignatureVerified};
use super::verified::since_1970;
use crate::reason_code::ReasonCode;

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
    /// It is an ID token or another kind of token (RFC 9068 section 4, RFC 8725 section 3.11).
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

/// A genuine token that is not accepted.
#[derive(Debug)]
pub(crate) struct NotAccepted {
    pub(crate) error: AudienceError,
    pub(crate) claimant: Claimant,
}

impl AudienceError {
    /// A stable code.
    pub(crate) const fn code(self) -> ReasonCode {
        match self {
            Self::BoundToKey => ReasonCode::BoundToKey,
            Self::Expired => ReasonCode::Expired,
            Self::ForeignType => ReasonCode::ForeignType,
            Self::IssuedInFuture => ReasonCode::IssuedInFuture,
            Self::LivesTooLong => ReasonCode::LivesTooLong,
            Self::MissingClaim => ReasonCode::MissingClaim,
            Self::NotYetValid => ReasonCode::NotYetValid,
            Self::OtherResource => ReasonCode::OtherResource,
            Self::TooOld => ReasonCode::TooOld,
            Self::UnknownIssuer => ReasonCode::UnknownIssuer,
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
        self.accept(acceptance, now).map_err(|not| not.error)
    }

    /// The same, with whom the token speaks of where it is not accepted.
    pub(crate) fn accept(
        self,
        acceptance: &Acceptance,
        now: DateTime<Utc>,
    ) -> Result<Token<AudienceVerified>, NotAccepted> {
        self.advance(|state| {
            let (statement, key_id) = (&state.statement, state.key_id.as_ref());
            let read = || {
                let reading = Reading::of(statement, acceptance)?;
                let window = window(&reading, now)?;
                reading.kind(&state.header.kind)?;
                reading.accept(window, (Some(state.key), key_id))
            };
            read().map_err(|error| NotAccepted {
                error,
                claimant: Claimant::of(statement, acceptance, key_id),
            })
        })
    }

    /// When it dies by these rules, since 1970, if it says so.
    pub(crate) fn deadline(&self, acceptance: &Acceptance) -> Option<Duration> {
        let expires_at = self.state.statement.claims.expires_at;
        expires_at.map(|at| deadline(at, acceptance.rules()))
    }
}

#[cfg(feature = "fetch")]
impl Token<Introspected> {
    /// Accepts the token as an access token for a resource of `acceptance`, in force at `now`.
    ///
    /// That the issuer calls it active is not enough: whom it is for, when it ends and what kind of
    /// token it is are looked at as in a JWT.
    ///
    /// # Errors
    /// [`AudienceError`]; the token is gone then.
    ///
    /// # Specification
    /// [RFC 7662 section 4](https://www.rfc-editor.org/rfc/rfc7662#section-4)
    pub fn verify_audience(
        self,
        acceptance: &Acceptance,
        now: DateTime<Utc>,
    ) -> Result<Token<AudienceVerified>, AudienceError> {
        self.accept(acceptance, now).map_err(|not| not.error)
    }

    /// The same, with whom the token speaks of where it is not accepted.
    pub(crate) fn accept(
        self,
        acceptance: &Acceptance,
        now: DateTime<Utc>,
    ) -> Result<Token<AudienceVerified>, NotAccepted> {
        self.advance(|state| {
            let statement = &state.statement;
            let read = || {
                let reading = Reading::of(statement, acceptance)?;
                let window = window(&reading, now)?;
                reading.unbound()?;
                if !state.is_access_token {
                    return Err(AudienceError::ForeignType);
                }
                reading.accept(window, (None, None))
            };
            read().map_err(|error| NotAccepted {
                error,
                claimant: Claimant::of(statement, acceptance, None),
            })
        })
    }
}

/// When a token dies that expires at this moment, all since 1970.
const fn deadline(expires_at: Duration, rules: &Rules) -> Duration {
    expires_at.saturating_add(rules.leeway)
}

/// When a token was issued, and when it dies; both since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) issued_at: Duration,
    pub(super) deadline: Duration,
}

/// The window of the token, if `now` lies in it.
fn window(reading: &Reading<'_>, now: DateTime<Utc>) -> Result<Window, AudienceError> {
    let (rules, claims, now) = (reading.rules, reading.claims(), since_1970(now));
    let expires_at = claims.expires_at.ok_or(AudienceError::MissingClaim)?;
    let issued_at = match claims.issued_at {
        // Older than every revocation.
        None if reading.issuer.issued_at_optional => Duration::ZERO,
        said => said.ok_or(AudienceError::MissingClaim)?,
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
    // It has lived for some time already, where nobody says since when.
    let from = claims.issued_at.unwrap_or(now);
    if expires_at.saturating_sub(from) > rules.max_lifetime {
        return Err(AudienceError::LivesTooLong);
    }
    // What is older than allowed is dead as well, from the first moment on.
    let too_old = rules.too_old_at(issued_at);
    if now >= too_old {
        return Err(AudienceError::TooOld);
    }
    Ok(Window {
        issued_at,
        deadline: deadline.min(too_old),
    })
}
