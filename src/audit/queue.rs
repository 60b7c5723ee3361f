//! Events on their way to a sink that may be slow.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::AuditEvent;

/// Takes the events of one guard, for an audit log.
///
/// It runs on a thread of its own. It may take its time: a request never waits for it, and never fails
/// because of it. What does not fit into the queue meanwhile is dropped and counted, and so is what it
/// could not write ([`AuditStats`]). Half of the queue is kept for events about callers whose tokens were
/// verified, so that a flood of requests from strangers does not push them out.
///
/// When the last clone of its guard is gone, what waits is written, and the sink is dropped. A process that
/// ends does not wait for that: see [`Guard::flush_audit`](crate::Guard::flush_audit).
///
/// # Examples
/// ```
/// use std::io;
///
/// use clearance::audit::{AuditDecision, AuditEvent, AuditSink};
///
/// /// Writes down who was refused.
/// struct Refusals(Vec<String>);
///
/// impl AuditSink for Refusals {
///     fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
///         if let (AuditDecision::Refused, Some(reason)) = (event.decision(), event.reason()) {
///             self.0.push(reason.to_string());
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait AuditSink: Send + 'static {
    /// Writes one event.
    ///
    /// # Errors
    /// If it cannot: the event is counted as failed, and is not offered again.
    fn write(&mut self, event: &AuditEvent) -> io::Result<()>;

    /// Called after events were written, when no more are waiting, so that what is buffered can be sent.
    ///
    /// # Errors
    /// If it cannot; that is counted as one failure.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes each event as one line of JSON.
///
/// A write that fails in the middle leaves a part of a line. The next event begins a line of its own all the
/// same: whoever reads the log skips what is no JSON.
///
/// # Examples
/// ```
/// use clearance::audit::JsonLines;
/// use clearance::{Guard, mcp::McpScopes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .audit(JsonLines::to(std::io::stderr()))
///     .build()?;
/// # let _ = guard;
/// # Ok(())
/// # }
/// ```
pub struct JsonLines<W> {
    writer: W,
    /// Whether what was written last may be a part of a line.
    is_torn: bool,
}

impl<W: io::Write + Send + 'static> JsonLines<W> {
    /// Writes to `writer`.
    pub const fn to(writer: W) -> Self {
        let is_torn = false;
        Self { writer, is_torn }
    }
}

impl<W: io::Write + Send + 'static> AuditSink for JsonLines<W> {
    fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        let mut line = Vec::new();
        if self.is_torn {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, event)?;
        line.push(b'\n');
        // Also where the writer panics.
        self.is_torn = true;
        self.writer.write_all(&line)?;
        self.is_torn = false;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonLines(..)")
    }
}

/// What became of the events for an audit log, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditStats {
    /// How many were written.
    pub written: u64,
    /// How many about callers whose tokens were verified were dropped because the queue was full.
    pub dropped: u64,
    /// How many about others were dropped because half of the queue was full.
    pub dropped_unverified: u64,
    /// How many the sink could not write, and how often it could not flush.
    pub failed: u64,
    /// How many wait to be written, the one that is being written included.
    pub waiting: usize,
}

/// How many events may wait.
const MOST_WAITING: usize = 8192;
/// How many may wait before those that anybody can bring about are taken no more.
const MOST_UNVERIFIED: usize = MOST_WAITING / 2;
/// How long the writer looks away when there was nothing to write. It is woken sooner only if much is
/// waiting: to wake it for each event would cost each request more than all the rest.
const PAUSE: Duration = Duration::from_millis(20);

/// The queue of one guard.
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is much to write, or somebody waits for it.
    much: Condvar,
    /// What was in hand is written and flushed.
    settled: Condvar,
    /// How many were given to the sink.
    offered: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
    dropped_unverified: AtomicU64,
    failed: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<AuditEvent>,
    /// How many were ever taken.
    taken: u64,
    /// How many of them are written and flushed.
    settled: u64,
    /// How many have to be flushed, whatever comes after them.
    awaited: u64,
    is_closed: bool,
}

impl Queue {
    /// A queue, and the thread that empties it into `sink`.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn into(sink: Box<dyn AuditSink>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            much: Condvar::new(),
            settled: Condvar::new(),
            offered: AtomicU64::new(0),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            dropped_unverified: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let writer = Arc::clone(&shared);
        let builder = thread::Builder::new().name("clearance-audit".to_owned());
        builder.spawn(move || writer.empty_into(sink))?;
        Ok(Self(shared))
    }

    /// Takes an event, unless there is no room for it.
    pub(super) fn push(&self, event: AuditEvent) {
        let (room, dropped) = if event.whose.verified().is_some() {
            (MOST_WAITING, &self.0.dropped)
        } else {
            (MOST_UNVERIFIED, &self.0.dropped_unverified)
        };
        let mut state = self.0.state();
        if state.waiting.len() >= room {
            drop(state);
            dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.push(event);
        state.taken = state.taken.saturating_add(1);
        let is_much = state.waiting.len() == MOST_WAITING / 2;
        drop(state);
        if is_much {
            self.0.much.notify_one();
        }
    }

    /// Waits until all that was taken so far is written and flushed, `limit` at most; whether it is, without
    /// a failure meanwhile.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let failed = self.0.failed.load(Ordering::Relaxed);
        let mut state = self.0.state();
        let taken = state.taken;
        state.awaited = taken;
        self.0.much.notify_one();
        let is_open = |state: &mut State| state.settled < taken;
        let waited = self.0.settled.wait_timeout_while(state, limit, is_open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_settled = state.settled >= taken;
        drop(state);
        is_settled && self.0.failed.load(Ordering::Relaxed) == failed
    }

    pub(super) fn stats(&self) -> AuditStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        AuditStats {
            written: of(&self.0.written),
            dropped: of(&self.0.dropped),
            dropped_unverified: of(&self.0.dropped_unverified),
            failed: of(&self.0.failed),
            waiting: usize::try_from(self.0.waiting()).unwrap_or(usize::MAX),
        }
    }
}

/// The writer writes what is left, and ends.
impl Drop for Queue {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.much.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many were taken and not yet written.
    fn waiting(&self) -> u64 {
        let taken = self.state().taken;
        taken.saturating_sub(self.offered.load(Ordering::Relaxed))
    }

    fn empty_into(&self, mut sink: Box<dyn AuditSink>) {
        let mut batch = Vec::new();
        loop {
            let mut state = self.state();
            let is_awaited = state.awaited > state.settled;
            if state.waiting.is_empty() && !state.is_closed && !is_awaited {
                let woken = self.much.wait_timeout(state, PAUSE);
                (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut state.waiting, &mut batch);
            let (is_last, taken) = (state.is_closed, state.taken);
            drop(state);
            self.write(&mut batch, &mut *sink);
            self.settle(taken, &mut *sink);
            if is_last {
                return;
            }
        }
    }

    fn write(&self, batch: &mut Vec<AuditEvent>, sink: &mut dyn AuditSink) {
        for event in batch.drain(..) {
            let count = if is_done(|| sink.write(&event)) {
                &self.written
            } else {
                &self.failed
            };
            count.fetch_add(1, Ordering::Relaxed);
            self.offered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Flushes what is written, if no more is waiting or somebody waits for that.
    fn settle(&self, taken: u64, sink: &mut dyn AuditSink) {
        let state = self.state();
        let is_new = taken > state.settled;
        let flushes = state.waiting.is_empty() || state.awaited > state.settled;
        drop(state);
        if !is_new || !flushes {
            return;
        }
        if !is_done(|| sink.flush()) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        self.state().settled = taken;
        self.settled.notify_all();
    }
}

/// Whether the sink has done its work; one that panics has not, and is asked again the next time.
fn is_done(work: impl FnOnce() -> io::Result<()>) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_ok_and(|done| done.is_ok())
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue(..)")
    }
}
