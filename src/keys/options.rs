//! How the keys of one issuer are fetched and kept.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What an operator may choose for the time that keys serve while their issuer is down.
const STALE_LIMITS: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24);

/// What is chosen for one issuer.
#[derive(Clone, Debug)]
pub(crate) struct FetchOptions {
    /// How long one fetch takes at most, metadata included.
    pub(crate) time_limit: Duration,
    /// How old keys may be at all.
    pub(crate) stale_limit: Duration,
}

impl FetchOptions {
    pub(crate) const fn standard() -> Self {
        Self {
            time_limit: Duration::from_secs(10),
            stale_limit: Duration::from_hours(1),
        }
    }

    /// Whether the limit on old keys is one that can be chosen.
    pub(crate) fn stale_limit_is_sound(&self) -> bool {
        STALE_LIMITS.contains(&self.stale_limit)
    }
}
