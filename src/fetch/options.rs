//! How one issuer is asked.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What an operator may choose for the time that keys serve while their issuer is down.
const STALE_LIMITS: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24);

/// What is chosen for one issuer.
#[derive(Clone)]
pub(crate) struct FetchOptions {
    /// How long one question takes at most, metadata included.
    pub(crate) time_limit: Duration,
    /// How old keys may be at all.
    pub(crate) stale_limit: Duration,
    /// Certificates of authorities beside those of the system, as PEM.
    #[cfg(feature = "fetch")]
    pub(crate) roots: Vec<Box<[u8]>>,
    #[cfg(feature = "fetch")]
    pub(crate) proxy: Option<Box<str>>,
    #[cfg(feature = "fetch")]
    pub(crate) client: Option<reqwest::Client>,
}

impl FetchOptions {
    pub(crate) const fn standard() -> Self {
        Self {
            time_limit: Duration::from_secs(10),
            stale_limit: Duration::from_hours(1),
            #[cfg(feature = "fetch")]
            roots: Vec::new(),
            #[cfg(feature = "fetch")]
            proxy: None,
            #[cfg(feature = "fetch")]
            client: None,
        }
    }

    /// Whether the limit on old keys is one that can be chosen.
    pub(crate) fn stale_limit_is_sound(&self) -> bool {
        STALE_LIMITS.contains(&self.stale_limit)
    }
}

/// Without the URL of a proxy, which may name a password.
impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions")
            .field("time_limit", &self.time_limit)
            .field("stale_limit", &self.stale_limit)
            .finish_non_exhaustive()
    }
}
