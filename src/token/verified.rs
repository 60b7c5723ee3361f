//! What was verified about a token: shared, never rebuilt.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::acceptance::Rules;
use super::{AudienceError, AudienceVerified, Token};
use crate::id::{ClientId, Issuer, IssuerSession, KeyId, Subject, TokenId};
use crate::jwk::Thumbprint;
use crate::scope::Granted;

/// Who acts: the pair of issuer and subject, and the client in between (RFC 7519 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) issuer: Issuer,
    pub(crate) subject: Subject,
    pub(crate) client: ClientId,
}

/// The content of a verified token. Its text is not in it.
pub(crate) struct Verified {
    pub(super) principal: Principal,
    /// A keyed hash of the principal, for tables that are bounded, made when first asked for.
    pub(super) principal_key: OnceLock<u64>,
    pub(super) token_id: Option<TokenId>,
    pub(super) session: Option<IssuerSession>,
    /// Since 1970, like the deadline; its beginning where nobody says it.
    pub(super) issued_at: Duration,
    /// `exp` plus the leeway, or the oldest age: from this moment on the token is dead.
    pub(super) deadline: Duration,
    pub(super) granted: Granted,
    /// The key that signed it, if its issuer was not asked instead, and whose it is: the place of the
    /// issuer among those of the guard.
    pub(super) signed_by: Option<Thumbprint>,
    /// The name of that key.
    pub(super) key_id: Option<KeyId>,
    pub(super) source: usize,
    pub(super) extra: Option<Box<dyn Any + Send + Sync>>,
    /// What the guard accepts that let it in.
    pub(super) rules: Arc<Rules>,
}

impl Verified {
    pub(crate) const fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(crate) fn principal_key(&self) -> u64 {
        let hash = || self.rules.hash_key.of(&self.principal);
        *self.principal_key.get_or_init(hash)
    }

    pub(crate) const fn token_id(&self) -> Option<&TokenId> {
        self.token_id.as_ref()
    }

    pub(crate) const fn session(&self) -> Option<&IssuerSession> {
        self.session.as_ref()
    }

    /// Since 1970.
    pub(crate) const fn issued_at(&self) -> Duration {
        self.issued_at
    }

    pub(crate) fn deadline(&self) -> DateTime<Utc> {
        // Dates in tokens end in the year 9999, and the leeway is a few minutes.
        TimeDelta::from_std(self.deadline)
            .ok()
            .and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since))
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    pub(crate) const fn granted(&self) -> Granted {
        self.granted
    }

    pub(crate) const fn signed_by(&self) -> Option<&Thumbprint> {
        self.signed_by.as_ref()
    }

    pub(crate) const fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// The place of the issuer among those of the guard.
    pub(crate) const fn source(&self) -> usize {
        self.source
    }

    /// Whether it was issued longer ago than the guard allows, at `now` since 1970.
    pub(crate) fn is_too_old(&self, now: Duration) -> bool {
        now >= self.rules.too_old_at(self.issued_at)
    }

    pub(crate) const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The extra claims, if the issuer was configured to have them as a `T`.
    pub(crate) fn extra<T: 'static>(&self) -> Option<&T> {
        self.extra.as_ref()?.downcast_ref()
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("issuer", &self.principal.issuer)
            .field("subject", &self.principal.subject)
            .field("client", &self.principal.client)
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

impl Token<AudienceVerified> {
    /// Hands out a token that was verified before, if it is still in force at `now`.
    ///
    /// The one other way into this state. It is for the guard that verified the token: time is
    /// looked at again, and revocation is asked by who needs the next state.
    pub(crate) fn recall(
        verified: Arc<Verified>,
        now: DateTime<Utc>,
    ) -> Result<Self, AudienceError> {
        if since_1970(now) >= verified.deadline {
            return Err(AudienceError::Expired);
        }
        Ok(Self::begin(AudienceVerified { verified }))
    }

    /// What was verified.
    pub(crate) fn into_verified(self) -> Arc<Verified> {
        self.state.verified
    }

    pub(crate) const fn verified(&self) -> &Arc<Verified> {
        &self.state.verified
    }

    /// Who wrote it.
    pub fn issuer(&self) -> &Issuer {
        &self.state.verified.principal.issuer
    }

    /// Whom it speaks of.
    pub fn subject(&self) -> &Subject {
        &self.state.verified.principal.subject
    }

    /// The client that it was issued to.
    pub fn client(&self) -> &ClientId {
        &self.state.verified.principal.client
    }

    /// The moment from which it is dead: `exp` plus the leeway, or the guard's oldest age.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.state.verified.deadline()
    }
}

/// The time from 1970 to `moment`; none for what was before.
pub(crate) fn since_1970(moment: DateTime<Utc>) -> Duration {
    moment
        .signed_duration_since(DateTime::UNIX_EPOCH)
        .to_std()
        .unwrap_or_default()
}
