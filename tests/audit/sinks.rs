//! Sinks that are slow, fail, panic, or are not there any more: no request minds.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clearance::audit::{AuditEvent, AuditSink, AuditStats, DecisionStats, JsonLines};
use clearance::{Guard, GuardBuilder};

use super::fixture::{Kept, decided};
use crate::support::around::World;
use crate::support::http::{ask, eventually, parts};
use crate::support::{Fixture, ToolsRead};

/// How many events may wait.
const ROOM: u64 = 8_192;

async fn world(sink: impl AuditSink) -> World {
    World::with(|builder| GuardBuilder::unlimited(builder).audit(sink)).await
}

/// A request that is refused at once.
async fn knock(guard: &Guard<Fixture>) {
    let refused = guard.authorize::<ToolsRead>(&mut parts("/mcp", None)).await;
    refused.expect_err("no token");
}

fn stats(guard: &Guard<Fixture>) -> AuditStats {
    guard.health().audit.expect("an audit log")
}

/// `[written, dropped, failed]`
fn counts(guard: &Guard<Fixture>) -> [u64; 3] {
    let AuditStats {
        written,
        dropped,
        dropped_unverified,
        failed,
        ..
    } = stats(guard);
    [written, dropped + dropped_unverified, failed]
}

/// What a sink of these tests was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Write,
    Flush,
    Drop,
}

/// Says what it is asked, and does it once the gate is open.
struct Gated {
    says: Sender<Said>,
    gate: Receiver<()>,
}

impl AuditSink for Gated {
    fn write(&mut self, _: &AuditEvent) -> io::Result<()> {
        self.says.send(Said::Write).ok();
        // A gate that is open for ever has nobody who closes it.
        self.gate.recv().ok();
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.says.send(Said::Flush).ok();
        Ok(())
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        self.says.send(Said::Drop).ok();
    }
}

fn gated() -> (Gated, Receiver<Said>, Sender<()>) {
    let (says, said) = channel();
    let (opens, gate) = channel();
    (Gated { says, gate }, said, opens)
}

/// A sink that does not move holds up nobody. What does not fit is dropped and counted, and
/// what fits is written when it moves again. Whoever shows no genuine token fills half of the queue at most.
#[tokio::test]
async fn a_sink_that_blocks_holds_up_nobody() {
    let (sink, said, gate) = gated();
    let world = world(sink).await;
    let guard = &world.guard;
    let token = world.issuer.token().scope("mcp:tools.read").mint();
    let dropped = || (stats(guard).dropped, stats(guard).dropped_unverified);
    knock(guard).await;
    assert_eq!(said.recv(), Ok(Said::Write), "it has the first");
    for _ in 0..ROOM / 2 + 100 {
        knock(guard).await;
    }
    assert_eq!(dropped(), (0, 100));
    // Whoever has a token is let in all the same.
    for _ in 0..ROOM / 2 + 7 {
        drop(ask::<ToolsRead>(guard, &token).await.expect("a proof"));
    }
    assert_eq!(dropped(), (7, 100));
    knock(guard).await;
    assert_eq!(dropped(), (7, 101));
    assert_eq!(counts(guard), [0, 108, 0]);
    drop(gate);
    eventually(|| counts(guard) == [ROOM + 1, 108, 0] && stats(guard).waiting == 0).await;
    // There is room again.
    knock(guard).await;
    eventually(|| counts(guard) == [ROOM + 2, 108, 0]).await;
    assert_eq!(decided(&guard.health().decisions), ROOM + 110);
}

/// Whoever ends a process can wait for the log, and is told whether it has everything.
#[tokio::test]
async fn a_log_can_be_waited_for() {
    const SOON: Duration = Duration::from_secs(20);
    assert!(
        World::new().await.guard.flush_audit(Duration::ZERO),
        "no log"
    );
    let (sink, said, gate) = gated();
    let world = world(sink).await;
    assert!(
        world.guard.flush_audit(Duration::ZERO),
        "nothing was decided"
    );
    knock(&world.guard).await;
    assert_eq!(said.recv(), Ok(Said::Write), "it has the first");
    assert_eq!(stats(&world.guard).waiting, 1, "and has not written it");
    knock(&world.guard).await;
    assert_eq!(stats(&world.guard).waiting, 2);
    assert!(!world.guard.flush_audit(Duration::ZERO));
    let guard = world.guard.clone();
    let waits = thread::spawn(move || (guard.flush_audit(SOON), stats(&guard)));
    drop(gate);
    let (is_written, then) = waits.join().expect("a thread");
    assert!(is_written);
    assert_eq!((then.written, then.waiting), (2, 0));
    let rest: Vec<_> = said.try_iter().collect();
    assert!(rest.contains(&Said::Flush), "{rest:?}");
    assert_eq!(rest.iter().filter(|said| **said == Said::Write).count(), 1);

    // Each time, and told if something is not written.
    for _ in 0..3 {
        knock(&world.guard).await;
        assert!(world.guard.flush_audit(SOON));
        assert_eq!(
            said.try_iter().collect::<Vec<_>>(),
            [Said::Write, Said::Flush]
        );
    }
    let world = self::world(Stuck::default()).await;
    knock(&world.guard).await;
    assert!(!world.guard.flush_audit(SOON), "it cannot be flushed");
}

/// What is awaited is flushed although more and more comes.
#[tokio::test]
async fn a_log_is_waited_for_though_more_comes() {
    let (sink, said, gate) = gated();
    let world = world(sink).await;
    knock(&world.guard).await;
    assert_eq!(said.recv(), Ok(Said::Write));
    let guard = world.guard.clone();
    let waits = thread::spawn(move || guard.flush_audit(Duration::from_secs(20)));
    // Behind each that is written another one waits.
    while !waits.is_finished() {
        knock(&world.guard).await;
        gate.send(()).expect("a sink");
        while said.recv().expect("a sink") != Said::Write {}
        tokio::task::yield_now().await;
    }
    assert!(waits.join().expect("a thread"));
    drop(gate);
}

/// What waits when the guard goes is written and flushed, and then the sink goes.
#[tokio::test]
async fn what_waits_is_written_when_the_guard_goes() {
    let (sink, said, gate) = gated();
    let world = world(sink).await;
    knock(&world.guard).await;
    assert_eq!(said.recv(), Ok(Said::Write));
    for _ in 0..3 {
        knock(&world.guard).await;
    }
    drop(world);
    drop(gate);
    let rest: Vec<Said> = said.iter().collect();
    let writes = rest.iter().filter(|said| **said == Said::Write).count();
    assert_eq!(writes, 3, "{rest:?}");
    assert!(
        rest.ends_with(&[Said::Write, Said::Flush, Said::Drop]),
        "{rest:?}"
    );
}

/// Clones of a guard have one log, which ends with the last of them.
#[tokio::test]
async fn the_log_ends_with_the_last_clone() {
    let (sink, said, gate) = gated();
    drop(gate);
    let world = world(sink).await;
    let clone = world.guard.clone();
    drop(world);
    knock(&clone).await;
    assert_eq!(said.recv(), Ok(Said::Write));
    assert_eq!(said.recv(), Ok(Said::Flush));
    drop(clone);
    assert_eq!(said.recv(), Ok(Said::Drop));
}

/// Fails, or panics, at every second event.
struct Moody {
    panics: bool,
    asked: u64,
    kept: Kept,
}

impl AuditSink for Moody {
    fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        self.asked += 1;
        if self.asked.is_multiple_of(2) {
            assert!(!self.panics, "a panic that is part of the test");
            return Err(io::Error::other("no room"));
        }
        self.kept.write(event)
    }
}

/// A sink that fails, or panics, is asked again, and what it did not write is counted.
#[tokio::test]
async fn a_sink_that_fails_is_asked_again() {
    for panics in [false, true] {
        let sink = Moody {
            panics,
            asked: 0,
            kept: Kept::default(),
        };
        let world = world(sink).await;
        let token = world.issuer.token().scope("mcp:tools.read").mint();
        for _ in 0..10 {
            drop(
                ask::<ToolsRead>(&world.guard, &token)
                    .await
                    .expect("a proof"),
            );
        }
        knock(&world.guard).await;
        eventually(|| counts(&world.guard) == [6, 0, 5]).await;
        assert_eq!(stats(&world.guard).waiting, 0);
        let DecisionStats { allowed, .. } = world.guard.health().decisions;
        assert_eq!(allowed, 10);
    }
}

/// Writes, and cannot flush.
#[derive(Clone, Default)]
struct Stuck {
    flushes: Arc<AtomicU64>,
    panics: bool,
}

impl AuditSink for Stuck {
    fn write(&mut self, _: &AuditEvent) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "a panic that is part of the test");
        Err(io::Error::other("a full disk"))
    }
}

/// Each flush that fails is one failure, and nobody flushes what was not written.
#[tokio::test]
async fn a_flush_that_fails_is_counted_once() {
    for panics in [false, true] {
        let sink = Stuck {
            panics,
            ..Stuck::default()
        };
        let flushes = Arc::clone(&sink.flushes);
        let world = world(sink).await;
        for number in 1..=8 {
            knock(&world.guard).await;
            eventually(|| counts(&world.guard) == [number, 0, number]).await;
            assert_eq!(flushes.load(Ordering::SeqCst), number);
        }
    }
}

/// Says which thread it is asked on.
struct Where(Arc<Mutex<Vec<String>>>);

impl AuditSink for Where {
    fn write(&mut self, _: &AuditEvent) -> io::Result<()> {
        let name = thread::current().name().unwrap_or_default().to_owned();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
        Ok(())
    }
}

async fn knock_often(guard: &Guard<Fixture>, times: usize) {
    for _ in 0..times {
        knock(guard).await;
    }
}

/// Each event of many threads is written, on a thread that no request runs on.
#[test]
fn many_threads_write_through_one() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    };
    let names = Arc::new(Mutex::new(Vec::new()));
    let sink = Where(Arc::clone(&names));
    let outer = runtime();
    let world = outer.block_on(world(sink));
    thread::scope(|scope| {
        for _ in 0..8 {
            let guard = world.guard.clone();
            scope.spawn(move || runtime().block_on(knock_often(&guard, 500)));
        }
    });
    outer.block_on(eventually(|| counts(&world.guard) == [4_000, 0, 0]));
    let mut names = names.lock().expect("a lock").clone();
    names.dedup();
    assert_eq!(names, ["clearance-audit"]);
}

/// A guard without a log has no numbers of one, and one with a log has them from the start.
#[tokio::test]
async fn numbers_are_those_of_a_log() {
    assert_eq!(World::new().await.guard.health().audit, None);
    let world = world(Kept::default()).await;
    let stats = stats(&world.guard);
    assert_eq!(stats, AuditStats::default());
}

/// A writer with room for so many bytes, whose contents are looked at meanwhile.
#[derive(Clone, Default)]
struct Small(Arc<Mutex<(Vec<u8>, usize)>>);

impl Small {
    fn has_room(&self, bytes: usize) {
        self.0.lock().expect("a lock").1 = bytes;
    }
}

impl io::Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut small = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = bytes.len().min(small.1);
        small.1 -= fits;
        small.0.extend_from_slice(&bytes[..fits]);
        // The end of the room, to whoever has to write all.
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line that broke off spoils no other.
#[tokio::test]
async fn a_line_that_broke_off_is_the_only_one() {
    let small = Small::default();
    let world = world(JsonLines::to(small.clone())).await;
    let mut lines = 0;
    for (round, room) in (1..).zip([10_000, 40, 0, 10_000, 10_000]) {
        small.has_room(room);
        knock(&world.guard).await;
        lines += u64::from(room == 10_000);
        eventually(|| counts(&world.guard) == [lines, 0, round - lines]).await;
    }
    let text = small.0.lock().expect("a lock").0.clone();
    let text = String::from_utf8(text).expect("text");
    let is_event = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert_eq!(text.lines().filter(is_event).count(), 3, "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
}
