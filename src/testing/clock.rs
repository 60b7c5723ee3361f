//! Time that a test moves by hand.

use std::fmt;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use crate::clock::Clock;

/// 2026-01-01T00:00:00Z.
const FIXED_START: i64 = 1_767_225_600;

/// A clock that stands still until a test moves it.
///
/// Clones share one time, so a test keeps one clone and gives others to the guard and to the
/// [`Issuer`](super::Issuer). What waits for a moment with [`Clock::wake_at`] wakes when the clock
/// is moved to that moment or past it, without sleeping and without polling.
///
/// # Examples
/// ```
/// use chrono::TimeDelta;
/// use clearance::{clock::Clock, testing::ManualClock};
///
/// let clock = ManualClock::at_fixed_start();
/// let before = clock.now();
/// clock.advance(TimeDelta::minutes(10));
/// assert_eq!(clock.now() - before, TimeDelta::minutes(10));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    time: Arc<Mutex<Time>>,
}

struct Time {
    now: DateTime<Utc>,
    monotonic: Duration,
    sleepers: Vec<Sleeper>,
}

struct Sleeper {
    at: DateTime<Utc>,
    wake: oneshot::Sender<()>,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: DateTime<Utc>) -> Self {
        let time = Time {
            now: start,
            monotonic: Duration::ZERO,
            sleepers: Vec::new(),
        };
        Self {
            time: Arc::new(Mutex::new(time)),
        }
    }

    /// A clock that shows the first second of 2026 (UTC), the same in every run.
    #[must_use]
    pub fn at_fixed_start() -> Self {
        Self::new(DateTime::from_timestamp(FIXED_START, 0).unwrap_or(DateTime::UNIX_EPOCH))
    }

    /// Moves the clock by `by`, backward if it is negative.
    ///
    /// At the ends of what [`DateTime`] can hold the clock stops.
    pub fn advance(&self, by: TimeDelta) {
        let mut time = self.lock();
        let end = if by < TimeDelta::zero() {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        };
        let to = time.now.checked_add_signed(by).unwrap_or(end);
        time.move_to(to);
    }

    /// Moves the clock to `to`.
    ///
    /// `to` may be in the past: then only [`Clock::now`] goes back, as when an operator corrects a
    /// machine's clock, and [`Clock::monotonic`] stays.
    pub fn set(&self, to: DateTime<Utc>) {
        self.lock().move_to(to);
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Time {
    fn move_to(&mut self, to: DateTime<Utc>) {
        // A move backward is not a negative duration but none at all.
        let passed = to
            .signed_duration_since(self.now)
            .to_std()
            .unwrap_or_default();
        self.monotonic = self.monotonic.saturating_add(passed);
        self.now = to;
        for sleeper in self.sleepers.extract_if(.., |sleeper| sleeper.at <= to) {
            // Nobody waits any more: nothing to wake.
            sleeper.wake.send(()).ok();
        }
        self.sleepers.retain(|sleeper| !sleeper.wake.is_closed());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().now
    }

    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }

    fn wake_at(&self, at: DateTime<Utc>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut time = self.lock();
        if at <= time.now {
            return Box::pin(future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        time.sleepers.push(Sleeper { at, wake });
        Box::pin(async move {
            if woken.await.is_err() {
                // All clones of the clock are gone, so its time stands still for good.
                future::pending::<()>().await;
            }
        })
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at_fixed_start()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &self.lock().now)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::ManualClock;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn the_clock_wakes_exactly_those_whose_time_has_come() {
        let clock = ManualClock::default();
        let start = clock.now();
        let mut context = Context::from_waker(Waker::noop());
        let mut sleep = clock.wake_at(start + TimeDelta::seconds(10));
        let mut longer = clock.wake_at(start + TimeDelta::seconds(11));
        assert!(clock.wake_at(start).as_mut().poll(&mut context).is_ready());

        clock.advance(TimeDelta::milliseconds(9_999));
        assert_eq!(sleep.as_mut().poll(&mut context), Poll::Pending);
        clock.advance(TimeDelta::milliseconds(1));
        clock.set(start);
        // Its moment was reached, even if the clock has gone back since.
        assert_eq!(sleep.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(longer.as_mut().poll(&mut context), Poll::Pending);

        assert_eq!(
            (clock.now(), clock.monotonic()),
            (start, Duration::from_secs(10))
        );
        clock.advance(TimeDelta::seconds(-5));
        clock.advance(TimeDelta::seconds(5));
        assert_eq!(
            (clock.now(), clock.monotonic()),
            (start, Duration::from_secs(15))
        );
        drop(clock);
        assert_eq!(longer.as_mut().poll(&mut context), Poll::Pending);

        let real = ManualClock::new(SystemClock.now());
        real.advance(TimeDelta::MAX);
        real.advance(TimeDelta::MIN);
    }
}
