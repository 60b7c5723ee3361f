//! Keeps the lists of a machine up to date, and puts back what the store has lost.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use ::redis::Pipeline;

use super::connection::Fault;
use super::entry::{self, Entry};
use super::script::{Answer, Lineage};
use super::shared::{Shared, learn, report};
use super::view::Task;
use crate::event::Event;
use crate::lifecycle::Revocation;

/// How many entries are written or read at once.
const BATCH: usize = 256;

/// A part of the entries, and where the next one begins.
type Part = (u64, Vec<(Vec<u8>, Vec<u8>)>);

/// Feeds by their names; of each entry its id, and names and values in turn.
type Feeds = Vec<(Vec<u8>, Vec<(Vec<u8>, Vec<Vec<u8>>)>)>;

/// Why what was begun did not come to its end.
enum Stopped {
    /// There was no answer.
    By(Fault),
    /// The server is not, or not any more, the one that was meant.
    Elsewhere,
    /// The feed does not go on where this machine has read.
    Gap,
    /// A guard's list has no room.
    ListFull,
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::By(fault)
    }
}

/// Reads for as long as it is polled.
pub(super) async fn follow(shared: Arc<Shared>) {
    loop {
        let task = shared.next();
        let done = match task {
            Task::Wait => {
                shared.told.notified().await;
                continue;
            }
            Task::PutBack(epoch, lineage) => put_back(&shared, &epoch, lineage).await,
            Task::Scan(epoch, lineage) => scan(&shared, &epoch, lineage).await,
            Task::Read(epoch, lineage, from) => wait(&shared, &epoch, lineage, from).await,
        };
        let Err(stopped) = done else {
            continue;
        };
        shared.change(|view| match stopped {
            Stopped::By(fault) => view.cause = fault.code(),
            Stopped::Elsewhere | Stopped::Gap => view.has_lost_its_place(),
            Stopped::ListFull => view.lacks_entries("list_full"),
        });
        // Not again before the next sign of life, so that what goes wrong at once is no endless loop.
        shared.told.notified().await;
    }
}

/// Whether the server is the one that was meant, and its counter.
fn standing(answer: &[String], lineage: &Lineage) -> Result<u64, Stopped> {
    match Answer::of(answer) {
        Answer::There(now) if now.lineage == *lineage => Ok(now.counter),
        Answer::Damaged => Err(Stopped::By(Fault::Damaged)),
        Answer::There(_) | Answer::NoEpoch | Answer::OtherEpoch(..) | Answer::Exists => {
            Err(Stopped::Elsewhere)
        }
    }
}

/// Writes all that this machine holds. What is there already stays as it is.
async fn put_back(shared: &Shared, epoch: &str, lineage: Lineage) -> Result<(), Stopped> {
    // What cannot be published from here on is owed again.
    shared.owes.store(false, Ordering::SeqCst);
    let done = put_back_all(shared, epoch, &lineage).await;
    match done {
        Ok(entries) => {
            shared.change(|view| view.has_put_back(lineage));
            if entries > 0 {
                let store = shared.keys.guard();
                report(&Event::RevocationsPutBack { store, entries });
            }
            shared.asked.notify_one();
            Ok(())
        }
        Err(stopped) => {
            shared.owes.store(true, Ordering::SeqCst);
            Err(stopped)
        }
    }
}

async fn put_back_all(shared: &Shared, epoch: &str, lineage: &Lineage) -> Result<usize, Stopped> {
    let held = shared.held();
    for batch in held.chunks(BATCH) {
        let sealed = batch.iter().map(|(revocation, left)| {
            let entry = Entry::of(revocation, &shared.keys)?;
            Some((entry, *left))
        });
        let sealed: Option<Vec<_>> = sealed.collect();
        let sealed = sealed.ok_or(Stopped::By(Fault::Refused))?;
        let call = shared.scripts.write(epoch, &sealed);
        let answer: Vec<String> = shared.writing.command(&call).await?;
        standing(&answer, lineage)?;
    }
    Ok(held.len())
}

/// Reads all entries. The server is looked at with each part: a connection that was made anew may end at
/// another one.
async fn scan(shared: &Shared, epoch: &str, lineage: Lineage) -> Result<(), Stopped> {
    let look = shared.scripts.look(epoch);
    let answer: Vec<String> = shared.reading.command(&look).await?;
    // What is written during the scan is in the feed after this.
    let counter = standing(&answer, &lineage)?;
    let sinks = shared.sinks();
    let (mut cursor, mut foreign) = (0_u64, 0_usize);
    loop {
        let mut step = Pipeline::new();
        step.cmd("HSCAN").arg(shared.scripts.entries()).arg(cursor);
        step.arg("COUNT").arg(BATCH);
        step.add_command(look.clone());
        let answer: (Part, Vec<String>) = shared.reading.pipeline(&step).await?;
        let ((next, part), answer) = answer;
        standing(&answer, &lineage)?;
        for (name, sealed) in &part {
            match entry::read(name, sealed, &shared.keys) {
                Some(revocation) => learn(&sinks, &revocation).ok_or(Stopped::ListFull)?,
                None => foreign = foreign.saturating_add(1),
            }
        }
        if next == 0 {
            break;
        }
        cursor = next;
    }
    if foreign > 0 {
        let (store, entries) = (shared.keys.guard(), foreign);
        report(&Event::ForeignEntries { store, entries });
    }
    shared.change(|view| view.has_read(lineage, counter, Some(sinks.len())));
    shared.asked.notify_one();
    Ok(())
}

/// Reads what comes after `from`, unless there is something else to do before it comes.
async fn wait(shared: &Shared, epoch: &str, lineage: Lineage, from: u64) -> Result<(), Stopped> {
    let is_wanted =
        || matches!(shared.next(), Task::Read(_, now, at) if now == lineage && at == from);
    let mut read = pin!(read(shared, epoch, lineage.clone(), from));
    while is_wanted() {
        let mut told = pin!(shared.told.notified());
        let either = poll_fn(|cx| match read.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => told.as_mut().poll(cx).map(|()| None),
        });
        if let Some(done) = either.await {
            return done;
        }
    }
    // It goes on waiting at the server, where what comes after it on its connection would wait as well.
    shared.reading.abandon();
    Ok(())
}

/// Reads what comes after `from`, and waits a while for it.
async fn read(shared: &Shared, epoch: &str, lineage: Lineage, from: u64) -> Result<(), Stopped> {
    let mut step = Pipeline::new();
    step.cmd("XREAD").arg("COUNT").arg(BATCH);
    step.arg("BLOCK").arg(shared.block());
    let feed = shared.scripts.feed();
    step.arg("STREAMS").arg(feed).arg(format!("{from}-0"));
    step.add_command(shared.scripts.look(epoch));
    let answer: (Option<Feeds>, Vec<String>) = shared.reading.pipeline(&step).await?;
    let (feeds, answer) = answer;
    let counter = standing(&answer, &lineage)?;
    let feeds = feeds.unwrap_or_default();
    let new = feeds.into_iter().flat_map(|(_, entries)| entries);
    let (sinks, mut at) = (shared.sinks(), from);
    for (id, parts) in new {
        at = at.saturating_add(1);
        // What is beyond the counter was not written by the script; it says nothing about its place.
        if id != format!("{at}-0").into_bytes() || at > counter {
            return Err(Stopped::Gap);
        }
        let revocation = revocation(shared, &parts).ok_or(Stopped::Gap)?;
        learn(&sinks, &revocation).ok_or(Stopped::ListFull)?;
    }
    shared.change(|view| view.has_read(lineage, at, None));
    Ok(())
}

fn revocation(shared: &Shared, parts: &[Vec<u8>]) -> Option<Revocation> {
    let [_, name, _, sealed] = parts else {
        return None;
    };
    entry::read(name, sealed, &shared.keys)
}
