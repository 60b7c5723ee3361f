//! How much a principal may ask.
//!
//! The arithmetic (GCRA) is `governor`'s. What is ours: the key is the verified principal and
//! nothing that a caller can choose, and the number of keys is bounded.
//!
//! Layer L3.

mod store;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;

use crate::clock::Clock;
use crate::token::{AudienceVerified, Live, Permit, Token, Verified};
use store::BoundedStore;

/// How often something may happen: a rate, and how much of it at once.
///
/// # Examples
/// ```
/// use clearance::limit::Quota;
///
/// let quota = Quota::per_minute(600).burst(50);
/// # let _ = quota;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    count: u32,
    per: Duration,
    burst: Option<u32>,
}

impl Quota {
    /// What a guard allows each principal if nothing is said: 1 200 a minute, 200 at once.
    pub const STANDARD: Self = Self::per_minute(1_200).burst(200);

    /// `count` a second, up to 1 000 000 000. The guard's `build` refuses others, zero among them.
    pub const fn per_second(count: u32) -> Self {
        Self {
            count,
            per: Duration::from_secs(1),
            burst: None,
        }
    }

    /// `count` a minute.
    pub const fn per_minute(count: u32) -> Self {
        Self {
            count,
            per: Duration::from_mins(1),
            burst: None,
        }
    }

    /// `count` an hour.
    pub const fn per_hour(count: u32) -> Self {
        Self {
            count,
            per: Duration::from_hours(1),
            burst: None,
        }
    }

    /// At most `count` at once; unless said, as many as the rate names.
    #[must_use]
    pub const fn burst(mut self, count: u32) -> Self {
        self.burst = Some(count);
        self
    }

    /// Whether it allows something, and no more than can be counted.
    pub(crate) fn is_sound(self) -> bool {
        self.for_governor().is_some()
    }

    fn for_governor(self) -> Option<governor::Quota> {
        let count = NonZeroU32::new(self.count)?;
        let burst = NonZeroU32::new(self.burst.unwrap_or(self.count))?;
        let each = self.per.checked_div(count.get())?;
        each.checked_mul(burst.get())
            .filter(|refill| *refill <= LONGEST_BURST)?;
        governor::Quota::with_period(each).map(|quota| quota.allow_burst(burst))
    }
}

/// Too many requests: when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct NotUntil {
    wait: Duration,
}

impl NotUntil {
    /// How long to wait until one more request passes.
    pub const fn wait(&self) -> Duration {
        self.wait
    }
}

/// A quota that allows nothing, or more than can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuotaError;

/// The longest time in which a full burst may come back. `governor` counts in nanoseconds and does
/// not look out for overflow.
const LONGEST_BURST: Duration = Duration::from_hours(24 * 366);
/// The most principals that are remembered, whatever is asked for: their places are laid out when
/// the guard is made.
const MOST_PRINCIPALS: usize = 1 << 24;

/// The quota of each principal.
#[derive(Debug)]
pub(crate) struct Principals {
    limiter: Limiter,
    clock: MonotonicClock,
}

type Limiter = RateLimiter<u64, BoundedStore, MonotonicClock, NoOpMiddleware<Duration>>;

impl Principals {
    pub(crate) fn new(
        quota: Quota,
        most: usize,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, QuotaError> {
        let quota = quota
            .for_governor()
            .filter(|_| most > 0)
            .ok_or(QuotaError)?;
        let clock = MonotonicClock(Arc::clone(clock));
        let limiter = Limiter::new(
            quota,
            BoundedStore::new(most.min(MOST_PRINCIPALS)),
            clock.clone(),
        );
        Ok(Self { limiter, clock })
    }

    /// Charges the token's principal for one request.
    pub(crate) fn charge(
        &self,
        live: Live<Token<AudienceVerified>>,
    ) -> Result<Permit<Live<Token<AudienceVerified>>>, NotUntil> {
        self.count(live.of().verified())?;
        Ok(Permit::attest(live))
    }

    /// Counts one more request of a principal that was charged already: a batch is several.
    pub(crate) fn count(&self, verified: &Verified) -> Result<(), NotUntil> {
        let counted = self.limiter.check_key(&verified.principal_key());
        counted.map_err(|not_until| NotUntil {
            wait: not_until.wait_time_from(self.clock.now()),
        })
    }
}

/// The guard's decision to limit nobody, said by name.
#[derive(Debug)]
pub(crate) struct Unlimited;

impl Unlimited {
    #[expect(clippy::unused_self, reason = "the value is the decision")]
    pub(crate) const fn charge(
        &self,
        live: Live<Token<AudienceVerified>>,
    ) -> Permit<Live<Token<AudienceVerified>>> {
        Permit::attest(live)
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

    fn principals(quota: Quota, most: usize) -> (Principals, ManualClock) {
        let clock = ManualClock::at_fixed_start();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        (Principals::new(quota, most, &shared).unwrap(), clock)
    }

    #[test]
    fn quotas_that_allow_nothing_or_too_much_to_count_are_refused() {
        for (quota, is_sound) in [
            (Quota::STANDARD, true),
            (Quota::per_second(1), true),
            (Quota::per_hour(1).burst(8_784), true),
            (Quota::per_hour(1).burst(8_785), false),
            (Quota::per_second(0), false),
            (Quota::per_minute(0).burst(5), false),
            (Quota::per_minute(5).burst(0), false),
            // A billionth of a second is the shortest time that there is.
            (Quota::per_second(1_000_000_000), true),
            (Quota::per_second(1_000_000_001), false),
        ] {
            assert_eq!(quota.for_governor().is_some(), is_sound, "{quota:?}");
        }
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at_fixed_start());
        assert!(Principals::new(Quota::STANDARD, 0, &clock).is_err());
    }

    #[test]
    fn a_burst_comes_back_with_time_and_only_forward() {
        let (principals, clock) = principals(Quota::per_second(1).burst(3), 100);
        let passed = |key: u64| {
            let passes = (0..10).filter(|_| principals.limiter.check_key(&key).is_ok());
            passes.count()
        };
        assert_eq!(passed(1), 3);
        assert_eq!(passed(2), 3);
        clock.advance(TimeDelta::milliseconds(1_999));
        assert_eq!(passed(1), 1);
        // A time of day that is set back takes nothing and gives nothing.
        clock.advance(TimeDelta::hours(-5));
        assert_eq!(passed(1), 0);
        clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(passed(1), 1);
        let Err(not_until) = principals.limiter.check_key(&1) else {
            panic!("one too many");
        };
        let wait = not_until.wait_time_from(principals.clock.now());
        assert_eq!(wait, Duration::from_secs(1));
    }

    #[test]
    fn memory_is_bounded_and_a_forgotten_key_begins_anew() {
        let (few, _) = principals(Quota::per_hour(1), 10);
        let (many, _) = principals(Quota::per_hour(1), 100_000);
        for principals in [&few, &many] {
            assert!((1..=5_000).all(|key| principals.limiter.check_key(&key).is_ok()));
        }
        let again = |of: &Principals| {
            let passes = (1..=5_000).filter(|key| of.limiter.check_key(key).is_ok());
            passes.count()
        };
        assert!(again(&few) >= 4_900);
        assert_eq!(again(&many), 0);
    }
}
