//! Where time comes from.
//!
//! Everything that decides by time asks a [`Clock`], so that tests turn the hands themselves. The
//! core (`token`) does not ask: it takes `now` as an argument.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A future that ends at a moment which the clock knows.
pub type WakeUp = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time.
///
/// `now` is the time of day, which tokens are judged by; it may step when the machine's clock is
/// set. `monotonic` never goes back; quotas and cool-downs are measured with it.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> DateTime<Utc>;

    /// The time since some fixed start. It never goes back.
    fn monotonic(&self) -> Duration;

    /// Ends as soon as [`now`](Self::now) has reached `at`.
    fn wake_at(&self, at: DateTime<Utc>) -> WakeUp;
}

/// The machine's own clock.
///
/// # Examples
/// ```
/// use clearance::clock::{Clock, SystemClock};
///
/// let before = SystemClock.monotonic();
/// assert!(SystemClock.monotonic() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a unit struct; there is nothing to add"
)]
pub struct SystemClock;

/// The longest sleep before the time of day is looked at again: a machine's clock may be set
/// forward while a stream waits for its token to expire.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's clock"
)]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    fn wake_at(&self, at: DateTime<Utc>) -> WakeUp {
        Box::pin(async move {
            loop {
                let left = at.signed_duration_since(Utc::now());
                if left <= TimeDelta::zero() {
                    return;
                }
                let left = left.to_std().unwrap_or(LONGEST_SLEEP);
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            }
        })
    }
}
