//! One quota for each of many.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;

use super::exceeded::Allowed;
use super::store::Table;
use super::{LimitedBy, NotUntil, Quota};
use crate::clock::Clock;

/// A quota that allows nothing, or more than can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuotaError;

/// A quota for each of a bounded number of keys.
#[derive(Debug)]
pub(super) struct Keyed {
    by: LimitedBy,
    quota: Quota,
    limiter: Limiter,
    clock: MonotonicClock,
}

type Limiter = RateLimiter<u64, Table, MonotonicClock, NoOpMiddleware<Duration>>;

impl Keyed {
    pub(super) fn new(
        by: LimitedBy,
        quota: Quota,
        table: Table,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, QuotaError> {
        let counted = quota.for_governor().ok_or(QuotaError)?;
        let clock = MonotonicClock(Arc::clone(clock));
        let limiter = Limiter::new(counted, table, clock.clone());
        Ok(Self {
            by,
            quota,
            limiter,
            clock,
        })
    }

    pub(super) const fn quota(&self) -> Quota {
        self.quota
    }

    pub(super) const fn by(&self) -> LimitedBy {
        self.by
    }

    /// Counts once.
    pub(super) fn count(&self, key: u64) -> Result<(), NotUntil> {
        self.limiter
            .check_key(&key)
            .map_err(|not_until| self.refused(not_until.wait_time_from(self.clock.now())))
    }

    /// Counts `units` at once, or nothing.
    pub(super) fn count_many(&self, key: u64, units: NonZeroU32) -> Result<(), NotUntil> {
        match self.limiter.check_key_n(&key, units) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(self.refused(not_until.wait_time_from(self.clock.now()))),
            // It never passes as a whole.
            Err(_) => Err(self.refused(self.quota.spans().1)),
        }
    }

    pub(super) const fn refused(&self, wait: Duration) -> NotUntil {
        NotUntil {
            by: self.by,
            allowed: Allowed::Quota(self.quota),
            wait,
        }
    }
}

/// The guard's clock, as `governor` wants to see it.
#[derive(Clone, Debug)]
struct MonotonicClock(Arc<dyn Clock>);

impl GovernorClock for MonotonicClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::ManualClock;

    fn principals(quota: Quota, most: usize) -> (Keyed, ManualClock) {
        let clock = ManualClock::at_fixed_start();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let keyed = Keyed::new(LimitedBy::Principal, quota, Table::new(most), &shared);
        (keyed.unwrap(), clock)
    }

    #[test]
    fn a_burst_comes_back_with_time_and_only_forward() {
        let (keyed, clock) = principals(Quota::per_second(1).burst(3), 100);
        let passed = |key: u64| (0..10).filter(|_| keyed.count(key).is_ok()).count();
        assert_eq!(passed(1), 3);
        assert_eq!(passed(2), 3);
        clock.advance(TimeDelta::milliseconds(1_999));
        assert_eq!(passed(1), 1);
        // A time of day that is set back takes nothing and gives nothing.
        clock.advance(TimeDelta::hours(-5));
        assert_eq!(passed(1), 0);
        clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(passed(1), 1);
        let not_until = keyed.count(1).unwrap_err();
        assert_eq!(not_until.wait(), Duration::from_secs(1));
        assert_eq!(not_until.quota(), 1);
    }

    #[test]
    fn several_units_pass_together_or_not_at_all() {
        let (keyed, clock) = principals(Quota::per_second(1).burst(3), 100);
        let many = |units| keyed.count_many(7, NonZeroU32::new(units).unwrap());
        assert!(many(2).is_ok());
        assert_eq!(many(2).unwrap_err().wait(), Duration::from_secs(1));
        assert!(many(1).is_ok());
        clock.advance(TimeDelta::seconds(3));
        // More than there ever is.
        assert_eq!(many(4).unwrap_err().wait(), Duration::from_secs(3));
        assert!(many(3).is_ok());
    }

    /// RS-129
    #[test]
    fn memory_is_bounded_and_a_forgotten_key_begins_anew() {
        let (few, _) = principals(Quota::per_hour(1), 10);
        let (many, _) = principals(Quota::per_hour(1), 100_000);
        for keyed in [&few, &many] {
            assert!((1..=5_000).all(|key| keyed.count(key).is_ok()));
        }
        let again = |of: &Keyed| (1..=5_000).filter(|key| of.count(*key).is_ok()).count();
        assert!(again(&few) >= 4_900);
        assert_eq!(again(&many), 0);
    }
}
