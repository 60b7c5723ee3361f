//! What the tasks of one store share.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::connection::Connection;
use super::keys::Keys;
use super::options::RedisOptions;
use super::script::Scripts;
use super::view::{Proof, Task, View};
use crate::audit::Journal;
use crate::event::{Event, Sink as _};
use crate::lifecycle::{Revocation, RevocationError, RevocationSink};

/// How long an entry matters where no guard says it.
pub(super) const LONGEST: Duration = Duration::from_hours(24 * 31);

/// What the tasks of one store share.
pub(super) struct Shared {
    pub(super) keys: Keys,
    pub(super) scripts: Scripts,
    pub(super) options: RedisOptions,
    /// For signs of life. Nothing blocks on it.
    pub(super) asking: Connection,
    /// For the feed, on which reads block.
    pub(super) reading: Connection,
    /// For entries, on which writers wait for replicas.
    pub(super) writing: Connection,
    /// This machine, for the others.
    pub(super) machine: String,
    /// There is something new to do for the follower.
    pub(super) told: Notify,
    /// A sign of life is wanted before its time.
    pub(super) asked: Notify,
    /// Something that this machine holds may not be in the store.
    pub(super) owes: AtomicBool,
    /// Until when this machine is current: nanoseconds of the monotonic clock.
    current_until: AtomicU64,
    view: Mutex<View>,
}

impl Shared {
    pub(super) fn new(options: RedisOptions, keys: Keys, machine: String) -> Self {
        let connection = |more: Duration| {
            let answering = options.answering.saturating_add(more);
            Connection::new(&options.address, options.connecting, answering)
        };
        let replicas = options.replicas.map(|(_, longest)| longest);
        Self {
            scripts: Scripts::over(&keys),
            asking: connection(Duration::ZERO),
            reading: connection(options.heartbeat),
            writing: connection(replicas.unwrap_or_default()),
            keys,
            machine,
            told: Notify::new(),
            asked: Notify::new(),
            owes: AtomicBool::new(false),
            current_until: AtomicU64::new(0),
            view: Mutex::new(View::new()),
            options,
        }
    }

    pub(super) fn is_current(&self) -> bool {
        let until = Duration::from_nanos(self.current_until.load(Ordering::Acquire));
        self.options.clock.monotonic() < until
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and draws what follows from it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let mut view = self.view();
        let given = change(&mut view);
        // Under the lock, so that no older proof comes after a newer one.
        match view.proof() {
            Proof::Unchanged => {}
            Proof::Void => self.current_until.store(0, Ordering::Release),
            Proof::At(moment) => {
                let until = moment.saturating_add(self.options.bound);
                let until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
                self.current_until.store(until, Ordering::Release);
            }
        }
        given
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view())
    }

    pub(super) fn next(&self) -> Task {
        self.view().next(self.owes.load(Ordering::SeqCst))
    }

    pub(super) fn sinks(&self) -> Vec<RevocationSink> {
        self.view().sinks.clone()
    }

    /// All that the guards of this machine hold, and for how long it matters.
    pub(super) fn held(&self) -> Vec<(Revocation, Duration)> {
        let sinks = self.sinks();
        sinks.iter().flat_map(RevocationSink::held).collect()
    }

    /// For how long a revocation matters to the guard that remembers it longest.
    pub(super) fn matters_for(&self, revocation: &Revocation) -> Duration {
        let sinks = self.sinks();
        let all = sinks.iter().filter_map(|sink| sink.matters_for(revocation));
        all.max().unwrap_or(LONGEST)
    }

    /// For how long an entry stays whose own time is not known.
    pub(super) fn longest(&self) -> Duration {
        let sinks = self.sinks();
        let all = sinks.iter().filter_map(RevocationSink::keeps_for);
        all.fold(LONGEST, Duration::max)
    }

    /// How long a read waits for something new, in milliseconds.
    pub(super) fn block(&self) -> u64 {
        let longest = u64::try_from(self.options.heartbeat.as_millis());
        longest.unwrap_or(1_000).max(1)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// Tells the guards. Nothing if one has no room for it.
pub(super) fn learn(sinks: &[RevocationSink], revocation: &Revocation) -> Option<()> {
    let full = |sink: &RevocationSink| sink.learn(revocation) == Err(RevocationError::Full);
    // All of them, also if one has no room.
    let is_full = sinks
        .iter()
        .fold(false, |is_full, sink| is_full | full(sink));
    (!is_full).then_some(())
}

/// Writes it down.
pub(super) fn report(event: &Event<'_>) {
    Journal.record(event);
}
