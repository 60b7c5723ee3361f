//! Quotas that machines share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::Script;

use super::connection::{Connection, Fault};
use super::keys::Keys;
use super::options::{RedisOptions, RedisStoreError};
use crate::clock::Clock;
use crate::limit::{Charge, Counted, LimitStore, LimitsUnavailable, Verdict};

/// Quotas that several machines share through Redis.
///
/// One script counts all that a request is charged for, by the server's clock; what it keeps ends by itself
/// when a quota is whole again. What it keeps is named by a keyed hash, so nobody without the
/// [`SharedKey`](super::SharedKey) reads a subject there. Its keys have the guard's id as their hash tag: the
/// limiter of one resource lies in one slot of a cluster.
///
/// After a failure it is not asked again for a second, so that requests do not wait for a server that is gone.
///
/// # Proves
/// In no window do more than burst plus rate times window requests pass on all machines together, while the
/// server can be asked and loses no data.
///
/// # Does not prove
/// That while it cannot be asked: then each machine counts for itself, or refuses, as the guard's builder
/// said. A server that starts empty, or a replica that lags, begins with whole quotas.
///
/// # Examples
/// ```
/// use clearance::limit::Quota;
/// use clearance::redis::{RedisLimits, RedisOptions};
/// use clearance::{Guard, mcp::McpScopes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
/// let options = RedisOptions::new("redis://127.0.0.1/".parse()?, "files", secret.parse()?);
/// # #[cfg(feature = "fetch")]
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .limit(Quota::per_minute(600).burst(50))
///     .share_limits(RedisLimits::new(&options)?)
///     .build()?;
/// # #[cfg(feature = "fetch")]
/// # let _ = guard;
/// # Ok(())
/// # }
/// ```
pub struct RedisLimits {
    connection: Connection,
    keys: Keys,
    count: Script,
    clock: Arc<dyn Clock>,
    /// Until when nobody asks, in milliseconds on the monotonic clock.
    rests_until: AtomicU64,
}

/// For how long nobody asks after a failure.
const REST: Duration = Duration::from_secs(1);

impl RedisLimits {
    /// It connects when it is first asked. The times about revocations do not matter here.
    ///
    /// # Errors
    /// [`RedisStoreError`], if the id of the guard is none or the times do not fit.
    pub fn new(options: &RedisOptions) -> Result<Self, RedisStoreError> {
        options.check()?;
        Ok(Self {
            connection: Connection::new(&options.address, options.connecting, options.answering),
            keys: options.keys()?,
            count: Script::new(include_str!("scripts/count.lua")),
            clock: Arc::clone(&options.clock),
            rests_until: AtomicU64::new(0),
        })
    }

    async fn ask(&self, charges: &[Charge]) -> Result<Verdict, Fault> {
        let mut call = self.count.prepare_invoke();
        for charge in charges {
            let name = self.keys.code("limit", &[charge.account()]);
            call.key(self.keys.key(&format!("limit:{name}")));
        }
        for charge in charges {
            let (each, full) = charge.quota().spans();
            call.arg(nanoseconds(each)).arg(nanoseconds(full));
            call.arg(charge.units().get());
        }
        let (place, wait): (String, String) = self.connection.script(&call).await?;
        let place: usize = place.parse().ok().ok_or(Fault::Damaged)?;
        let wait = wait.parse().ok().ok_or(Fault::Damaged)?;
        Ok(match place.checked_sub(1) {
            None => Verdict::Within,
            Some(place) => Verdict::Beyond {
                place,
                wait: Duration::from_nanos(wait),
            },
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl LimitStore for RedisLimits {
    fn count<'a>(&'a self, charges: &'a [Charge]) -> Counted<'a> {
        Box::pin(async move {
            if self.now() < self.rests_until.load(Ordering::Relaxed) {
                return Err(LimitsUnavailable::new("failed_just_now"));
            }
            let asked = self.ask(charges).await;
            asked.map_err(|fault| {
                let rest = u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
                let until = self.now().saturating_add(rest);
                self.rests_until.store(until, Ordering::Relaxed);
                LimitsUnavailable::new(fault.code())
            })
        })
    }
}

impl fmt::Debug for RedisLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimits")
            .field("guard", &self.keys.guard())
            .finish_non_exhaustive()
    }
}
