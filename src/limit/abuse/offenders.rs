//! Everybody of one kind who failed, and who was told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::offender::{Offence, Offender, Penalty};
use super::record::{Outcome, Record, Running};
use super::table::{Crowded, Table};
use crate::event::{Event, Sink};
use crate::limit::Quota;

/// How many penalties are remembered for whoever asks how the guard is.
const LATEST: usize = 32;

/// Peers, or principals, with one budget of failures each.
#[derive(Debug)]
pub(super) struct Offenders {
    budget: Quota,
    table: Table<Record>,
    /// When the last of all penalties ends, in nanoseconds of the monotonic clock.
    last_end: AtomicU64,
}

impl Offenders {
    pub(super) const fn new(budget: Quota, most: usize) -> Self {
        Self {
            budget,
            table: Table::new(most),
            last_end: AtomicU64::new(0),
        }
    }

    pub(super) const fn budget(&self) -> Quota {
        self.budget
    }

    /// The penalty of this one, if it has one that runs.
    pub(super) fn running(&self, key: u64, now: Duration) -> Option<Running> {
        if !self.are_any(now) {
            return None;
        }
        self.table.look(key, |record| record.running(now)).flatten()
    }

    /// Takes note of a failure.
    pub(super) fn failed(
        &self,
        key: u64,
        now: Duration,
        who: impl FnOnce() -> Offender,
    ) -> (Outcome, Option<Arc<Offender>>) {
        let failed = self.table.change(key, Crowded::Evicts, |record| {
            let outcome = record.fails(self.budget, now);
            if matches!(outcome, Outcome::Begins(_)) {
                let who = record.who.get_or_insert_with(|| Arc::new(who()));
                return (outcome, Some(Arc::clone(who)));
            }
            (outcome, None)
        });
        let (outcome, who) = failed.unwrap_or((Outcome::Tolerated, None));
        if let Outcome::Begins(running) = outcome {
            let end = now.saturating_add(running.lasts);
            self.last_end.fetch_max(nanos(end), Ordering::AcqRel);
        }
        (outcome, who)
    }

    /// How many have a penalty that runs.
    pub(super) fn count(&self, now: Duration) -> usize {
        if !self.are_any(now) {
            return 0;
        }
        self.table.count(|record| record.running(now).is_some())
    }

    /// Forgets what `offender` did, or what everybody did; and says how many penalties ended by that.
    pub(super) fn lift(&self, offender: Option<&Offender>, now: Duration) -> usize {
        let is = |record: &Record| {
            let who = record.who.as_deref();
            who.is_some_and(|who| offender.is_none_or(|offender| offender.means(who)))
        };
        let ended = self
            .table
            .count(|record| is(record) && record.running(now).is_some());
        self.table.forget_if(is);
        ended
    }

    fn are_any(&self, now: Duration) -> bool {
        nanos(now) < self.last_end.load(Ordering::Acquire)
    }
}

fn nanos(moment: Duration) -> u64 {
    u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX)
}

/// The latest penalties, and who is told of them.
#[derive(Debug)]
pub(super) struct Register {
    sink: Arc<dyn Sink>,
    latest: Mutex<VecDeque<Noted>>,
    total: AtomicU64,
}

#[derive(Debug)]
struct Noted {
    who: Arc<Offender>,
    reason: Offence,
    level: u32,
    until: Duration,
}

impl Register {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Self {
        Self {
            sink,
            latest: Mutex::default(),
            total: AtomicU64::new(0),
        }
    }

    pub(super) fn sink(&self) -> &dyn Sink {
        &*self.sink
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// A penalty began.
    pub(super) fn begins(
        &self,
        who: Arc<Offender>,
        reason: Offence,
        running: Running,
        now: Duration,
    ) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let peer = match &*who {
            Offender::Peer(network) => Some(network.to_string()),
            Offender::Principal { .. } => None,
        };
        let (issuer, client) = match &*who {
            Offender::Peer(_) => (None, None),
            Offender::Principal { issuer, client, .. } => (Some(issuer), Some(client)),
        };
        self.sink.record(&Event::Penalised {
            peer: peer.as_deref(),
            issuer,
            client,
            reason: reason.as_str(),
            level: running.level,
            lasts: running.lasts,
        });
        let mut latest = self.latest();
        latest.retain(|noted| noted.who != who);
        if latest.len() >= LATEST {
            latest.pop_front();
        }
        latest.push_back(Noted {
            who,
            reason,
            level: running.level,
            until: now.saturating_add(running.lasts),
        });
    }

    pub(super) fn penalties(&self, now: Duration) -> Vec<Penalty> {
        let latest = self.latest();
        let penalties = latest.iter().map(|noted| Penalty {
            offender: Offender::clone(&noted.who),
            reason: noted.reason,
            level: noted.level,
            left: noted.until.saturating_sub(now),
        });
        penalties.collect()
    }

    /// Forgets the penalties of `offender`, or all.
    pub(super) fn lift(&self, offender: Option<&Offender>) {
        self.latest()
            .retain(|noted| offender.is_some_and(|offender| !offender.means(&noted.who)));
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<Noted>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
