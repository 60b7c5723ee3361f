//! What an operator says about the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::address::RedisAddress;
use super::keys::{Keys, SharedKey};
use crate::clock::{Clock, SystemClock};

/// Where the store of revocations is, whose it is, and how long is waited for it.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use clearance::redis::{RedisOptions, SharedKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
/// let options = RedisOptions::new("redis://127.0.0.1/".parse()?, "files", secret.parse()?)
///     .bound(Duration::from_secs(3))
///     .wait_for_replicas(1, Duration::from_millis(200));
/// # let _ = options;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they are given to a store"]
pub struct RedisOptions {
    pub(super) address: RedisAddress,
    guard: Box<str>,
    key: SharedKey,
    pub(super) connecting: Duration,
    pub(super) answering: Duration,
    pub(super) heartbeat: Duration,
    pub(super) bound: Duration,
    pub(super) settling: Duration,
    pub(super) replicas: Option<(usize, Duration)>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The store cannot be used as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The store has an epoch, so it was made before.
    #[error("the store was made before")]
    AlreadyCreated,
    /// The bound must be at least one heartbeat and the time for one answer; none of the times may be
    /// zero or more than an hour.
    #[error("the times do not fit together")]
    Times,
    /// The server cannot be asked, for this reason: a stable code.
    #[error("the server cannot be asked: {0}")]
    Unavailable(&'static str),
    /// The store was made with another shared key.
    #[error("the store was made with another shared key")]
    WrongKey,
    /// An id of a guard is one to 64 letters, digits, `.`, `_` or `-`.
    #[error("not an id of a guard: 1 to 64 letters, digits, '.', '_' or '-'")]
    WrongId,
}

/// The longest of all these times.
const LONGEST: Duration = Duration::from_hours(1);

impl RedisOptions {
    /// The store of the guard with this id, in the server at `address`.
    ///
    /// All machines that serve one resource say the same id and the same key; two guards have two ids.
    /// The id is not secret: it is the hash tag of the guard's keys in Redis.
    pub fn new(address: RedisAddress, guard: &str, key: SharedKey) -> Self {
        Self {
            address,
            guard: guard.into(),
            key,
            connecting: Duration::from_secs(1),
            answering: Duration::from_millis(500),
            heartbeat: Duration::from_secs(1),
            bound: Duration::from_secs(2),
            settling: Duration::from_secs(5),
            replicas: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// How long it may take to connect: 1 s unless said.
    pub fn connection_timeout(mut self, longest: Duration) -> Self {
        self.connecting = longest;
        self
    }

    /// How long an answer may take: 500 ms unless said.
    pub fn response_timeout(mut self, longest: Duration) -> Self {
        self.answering = longest;
        self
    }

    /// How often the store is asked for its counter: each second unless said.
    pub fn heartbeat(mut self, pause: Duration) -> Self {
        self.heartbeat = pause;
        self
    }

    /// For how long a machine may rely on what it knows, from the moment when it asked the store and
    /// knew all that it held: 2 s unless said. After that it counts as stale.
    ///
    /// It is the longest time for which a token that was revoked on one machine is good on another.
    pub fn bound(mut self, longest: Duration) -> Self {
        self.bound = longest;
        self
    }

    /// For how long the machines are waited for after a loss of data, to put back what they hold: 5 s
    /// unless said. Those that are there are waited for until they have.
    ///
    /// A failover that takes longer than machines take to find the new primary wants more.
    pub fn settling_time(mut self, shortest: Duration) -> Self {
        self.settling = shortest;
        self
    }

    /// Makes `revoke` wait until `count` replicas have the entry too, for `longest` at most; it ends as
    /// unpublished if they have not. Nobody waits unless this is said.
    pub fn wait_for_replicas(mut self, count: usize, longest: Duration) -> Self {
        self.replicas = Some((count, longest));
        self
    }

    /// Measures the bound by `clock`: the machine's own unless said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(super) fn keys(&self) -> Result<Keys, RedisStoreError> {
        Keys::new(&self.guard, &self.key).ok_or(RedisStoreError::WrongId)
    }

    pub(super) fn check(&self) -> Result<(), RedisStoreError> {
        let replicas = self.replicas.map(|(_, longest)| longest);
        let times = [
            self.connecting,
            self.answering,
            self.heartbeat,
            self.bound,
            self.settling,
        ];
        let fits = |time: Duration| !time.is_zero() && time <= LONGEST;
        let all_fit = times.into_iter().chain(replicas).all(fits);
        let least = self.heartbeat.saturating_add(self.answering);
        if !all_fit || self.bound < least {
            return Err(RedisStoreError::Times);
        }
        Ok(())
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("guard", &self.guard)
            .field("heartbeat", &self.heartbeat)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}
