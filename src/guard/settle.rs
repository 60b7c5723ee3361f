//! What is looked at each time, after everything that a token proves by itself.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Inner;
use super::admitted::Admitted;
use super::pipeline::Admission;
use crate::audit::Trail;
use crate::keys::Unavailable;
use crate::lifecycle::NotLive;
use crate::limit::Uncounted;
use crate::refusal::{Reason, Refusal, TokenFault};
use crate::secret::Kept;
use crate::token::{AudienceVerified, Live, Permit, Token, Verified};

/// A token in force, and whether it was counted.
pub(crate) enum Settled {
    In(Admitted, DateTime<Utc>),
    /// Other machines have to be asked.
    Counts(Counting),
}

/// A token in force whose principal is yet to be charged.
pub(crate) struct Counting {
    live: Live<Token<AudienceVerified>>,
    trail: Trail,
    kept: Kept,
}

impl Inner {
    /// Whether it was revoked, and whether its principal may ask once more.
    pub(super) fn settle(
        self: &Arc<Self>,
        token: Token<AudienceVerified>,
        now: DateTime<Utc>,
        trail: Trail,
    ) -> Result<Settled, Refusal> {
        let verified = Arc::clone(token.verified());
        let live = self.revocations.attest(token).map_err(|why| {
            let reason = not_live(why, &verified);
            self.refuse_settled(reason, &verified, &trail)
        })?;
        if self.limits.is_shared() {
            let kept = Kept::NOTHING;
            return Ok(Settled::Counts(Counting { live, trail, kept }));
        }
        match self.limits.charge(live) {
            Ok(permit) => Ok(Settled::In(self.let_in(permit, trail), now)),
            Err(not_until) => Err(self.refuse_settled(not_until.into(), &verified, &trail)),
        }
    }

    /// The rest of it, where all machines count together.
    pub(super) async fn count(self: &Arc<Self>, counting: Counting) -> Admission {
        let Counting { live, trail, kept } = counting;
        let verified = Arc::clone(live.of().verified());
        match self.limits.charge_everywhere(live).await {
            // That took a while.
            Ok(permit) => Ok((
                self.let_in(permit, trail).keeping(kept),
                self.acceptance.rules().clock.now(),
            )),
            Err(why) => {
                let reason = uncounted(why, &verified);
                Err(self.refuse_settled(reason, &verified, &trail))
            }
        }
    }

    fn let_in(
        self: &Arc<Self>,
        permit: Permit<Live<Token<AudienceVerified>>>,
        trail: Trail,
    ) -> Admitted {
        Admitted::new(permit, Arc::clone(self), trail)
    }

    fn refuse_settled(&self, reason: Reason, verified: &Arc<Verified>, trail: &Trail) -> Refusal {
        let refusal = self.refuse(reason, Some(verified));
        refusal.of_remembered(trail.is_known())
    }
}

impl Settled {
    /// With what the guard keeps of the token.
    pub(super) fn keeping(self, kept: Kept) -> Self {
        match self {
            Self::In(admitted, now) => Self::In(admitted.keeping(kept), now),
            Self::Counts(counting) => Self::Counts(Counting { kept, ..counting }),
        }
    }
}

impl Counting {
    pub(super) const fn trail(&self) -> &Trail {
        &self.trail
    }
}

/// Why a token is refused that nobody calls live.
pub(super) fn not_live(why: NotLive, verified: &Verified) -> Reason {
    match why {
        NotLive::Revoked => Reason::InvalidToken(TokenFault::Revoked),
        NotLive::Retired => without("retired", verified),
        NotLive::Unavailable => without("revocations_unknown", verified),
    }
}

/// What nobody can be let in without is not there, for this cause.
fn without(cause: &'static str, verified: &Verified) -> Reason {
    let issuer = verified.principal().issuer.clone();
    Unavailable::new(issuer, cause, Duration::from_secs(1)).into()
}

/// Why a token is refused whose use is not counted.
pub(super) fn uncounted(why: Uncounted, verified: &Verified) -> Reason {
    match why {
        Uncounted::Beyond(not_until) => not_until.into(),
        Uncounted::Unavailable(_) => without("limits_unknown", verified),
    }
}
