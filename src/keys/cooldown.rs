//! How often an issuer is asked.

use std::time::Duration;

/// How long after a fetch began no other one begins.
pub(super) const COOLDOWN: Duration = Duration::from_secs(5);
/// The same while tokens with unknown keys go on coming.
const LONGEST: Duration = Duration::from_secs(30);
/// How long none of them has to come until all is as before.
const QUIET: Duration = Duration::from_mins(1);

/// What is known of tokens whose keys are unknown.
///
/// The first one may be the sign of a rotation, so the issuer is asked within seconds. Each further
/// fetch for such a token doubles the time until the next.
#[derive(Debug)]
pub(super) struct UnknownKeys {
    cooldown: Duration,
    last: Option<Duration>,
}

impl Default for UnknownKeys {
    fn default() -> Self {
        Self {
            cooldown: COOLDOWN,
            last: None,
        }
    }
}

impl UnknownKeys {
    /// One came.
    pub(super) fn note(&mut self, now: Duration) {
        if self
            .last
            .is_none_or(|last| now.saturating_sub(last) >= QUIET)
        {
            self.cooldown = COOLDOWN;
        }
        self.last = Some(now);
    }

    pub(super) const fn cooldown(&self) -> Duration {
        self.cooldown
    }

    /// The issuer was asked for one.
    pub(super) fn asked(&mut self) {
        self.cooldown = self.cooldown.saturating_mul(2).min(LONGEST);
    }
}
