//! How often something may happen.

use std::num::NonZeroU32;
use std::time::Duration;

/// The longest time in which a full burst may come back. `governor` counts in nanoseconds and does
/// not look out for overflow.
const LONGEST_BURST: Duration = Duration::from_hours(24 * 366);

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

    /// How much of it passes in a [window](Self::window), in the long run.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The time that the count is about: a second, a minute or an hour.
    pub const fn window(self) -> Duration {
        self.per
    }

    /// How much of it passes at once.
    pub(crate) const fn at_once(self) -> u32 {
        match self.burst {
            Some(burst) => burst,
            None => self.count,
        }
    }

    /// In which time a burst that is used up is whole again.
    pub(crate) fn refill(self) -> Duration {
        let each = self.per.checked_div(self.count).unwrap_or_default();
        each.saturating_mul(self.at_once())
    }

    /// A budget of this size, of which one more is used: when it is whole again; nothing if it is used up.
    pub(super) fn spend(self, whole_at: Duration, now: Duration) -> Option<Duration> {
        let each = self.per.checked_div(self.count)?;
        let next = whole_at.max(now).saturating_add(each);
        (next.saturating_sub(now) <= self.refill()).then_some(next)
    }

    /// Whether it allows something, and no more than can be counted.
    pub(crate) fn is_sound(self) -> bool {
        self.for_governor().is_some()
    }

    pub(super) fn for_governor(self) -> Option<governor::Quota> {
        let count = NonZeroU32::new(self.count)?;
        let burst = NonZeroU32::new(self.at_once())?;
        let each = self.per.checked_div(count.get())?;
        each.checked_mul(burst.get())
            .filter(|refill| *refill <= LONGEST_BURST)?;
        governor::Quota::with_period(each).map(|quota| quota.allow_burst(burst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
