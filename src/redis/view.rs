//! What one machine knows of the store, and what that proves.

use std::time::Duration;

use super::script::{Lineage, Standing};
use crate::lifecycle::RevocationSink;

/// What one machine knows of the store.
#[derive(Debug)]
pub(super) struct View {
    pub(super) sinks: Vec<RevocationSink>,
    /// The store's, whose key was looked at.
    pub(super) epoch: Option<Box<str>>,
    beat: Option<Beat>,
    /// Where all that this machine holds was put back.
    merged: Option<Lineage>,
    /// Up to where this machine has read.
    read: Option<(Lineage, u64)>,
    /// A list has not got all entries yet.
    is_unfilled: bool,
    /// How many heartbeats in a row said that there is more than was read.
    behind: u8,
    /// The last generation, and its counter, that was seen in this epoch.
    seen: (u64, u64),
    /// Why it is not current, as a stable code.
    pub(super) cause: &'static str,
}

/// The last sign of life.
#[derive(Debug)]
struct Beat {
    standing: Standing,
    /// When it was asked for, on the monotonic clock.
    asked_at: Duration,
}

/// What is known about being current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing more than before.
    Unchanged,
    /// Nothing at all.
    Void,
    /// At that moment all was known that the store held then.
    At(Duration),
}

/// What is to do next.
#[derive(Debug)]
pub(super) enum Task {
    /// Nothing until the next sign of life.
    Wait,
    PutBack(Box<str>, Lineage),
    Scan(Box<str>, Lineage),
    Read(Box<str>, Lineage, u64),
}

/// After so many heartbeats that were ahead of the feed, all entries are read again.
const PATIENCE: u8 = 2;

impl View {
    pub(super) const fn new() -> Self {
        Self {
            sinks: Vec::new(),
            epoch: None,
            beat: None,
            merged: None,
            read: None,
            is_unfilled: false,
            behind: 0,
            seen: (0, 0),
            cause: "not_asked",
        }
    }

    /// A guard wants to know.
    pub(super) fn add(&mut self, sink: RevocationSink) {
        self.sinks.retain(RevocationSink::is_open);
        self.sinks.push(sink);
        self.lacks_entries("reading");
    }

    /// Some list has not got all entries.
    pub(super) fn lacks_entries(&mut self, cause: &'static str) {
        self.is_unfilled = true;
        self.read = None;
        self.cause = cause;
    }

    /// The store has this epoch now, or none.
    pub(super) fn is_of(&mut self, epoch: Option<Box<str>>, cause: &'static str) {
        self.epoch = epoch;
        self.beat = None;
        self.merged = None;
        self.read = None;
        self.seen = (0, 0);
        self.cause = cause;
    }

    /// Where all that this machine holds was put back, and the last that it has seen.
    pub(super) const fn told(&self) -> (Option<&Lineage>, (u64, u64)) {
        (self.merged.as_ref(), self.seen)
    }

    /// A sign of life. It says whether data was lost since the last one.
    pub(super) fn hears(&mut self, standing: Standing, asked_at: Duration) -> bool {
        let before = self.beat.as_ref().map(|beat| &beat.standing.lineage);
        let has_changed = before.is_some_and(|before| *before != standing.lineage);
        let has_lost = standing.has_lost || has_changed;
        self.see(standing.lineage.generation, standing.counter);
        let counter = standing.counter;
        let is_behind = |read: &(Lineage, u64)| read.0 == standing.lineage && read.1 < counter;
        if self.read.as_ref().is_some_and(is_behind) {
            self.behind = self.behind.saturating_add(1);
            if self.behind >= PATIENCE {
                self.read = None;
            }
        } else {
            self.behind = 0;
        }
        self.beat = Some(Beat { standing, asked_at });
        has_lost
    }

    fn see(&mut self, generation: u64, counter: u64) {
        self.seen = self.seen.max((generation, counter));
    }

    /// All that this machine holds was put back there.
    pub(super) fn has_put_back(&mut self, at: Lineage) {
        self.merged = Some(at);
    }

    /// All was read up to a counter; after a scan the lists of these many guards have it all.
    pub(super) fn has_read(&mut self, at: Lineage, counter: u64, scanned_for: Option<usize>) {
        self.see(at.generation, counter);
        if scanned_for == Some(self.sinks.len()) {
            self.is_unfilled = false;
        }
        self.behind = 0;
        self.read = Some((at, counter));
    }

    /// What was read cannot be continued.
    pub(super) fn has_lost_its_place(&mut self) {
        self.read = None;
    }

    /// What it knows proves.
    pub(super) fn proof(&mut self) -> Proof {
        let Some(beat) = &self.beat else {
            return Proof::Void;
        };
        let now = &beat.standing;
        if self.is_unfilled {
            return Proof::Void;
        }
        if !now.is_settled || self.merged.as_ref() != Some(&now.lineage) {
            self.cause = "settling";
            return Proof::Void;
        }
        let knows = |read: &(Lineage, u64)| read.0 == now.lineage && read.1 >= now.counter;
        if self.read.as_ref().is_some_and(knows) {
            return Proof::At(beat.asked_at);
        }
        self.cause = "behind";
        Proof::Unchanged
    }

    /// What is to do next, also if something could not be published.
    pub(super) fn next(&self, owes: bool) -> Task {
        let (Some(epoch), Some(beat)) = (&self.epoch, &self.beat) else {
            return Task::Wait;
        };
        let (epoch, lineage) = (epoch.clone(), beat.standing.lineage.clone());
        if owes || self.merged.as_ref() != Some(&lineage) {
            return Task::PutBack(epoch, lineage);
        }
        match &self.read {
            Some((at, counter)) if *at == lineage && !self.is_unfilled => {
                Task::Read(epoch, lineage, *counter)
            }
            _ => Task::Scan(epoch, lineage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(generation: u64, replica: &str) -> Lineage {
        Lineage {
            generation,
            replica: replica.into(),
        }
    }

    fn standing(lineage: Lineage, counter: u64) -> Standing {
        Standing {
            lineage,
            counter,
            is_settled: true,
            has_lost: false,
        }
    }

    /// One that knows all, asked at the first second.
    fn current() -> View {
        let mut view = View::new();
        view.is_of(Some("epoch".into()), "settling");
        assert!(!view.hears(standing(at(1, "a"), 5), SECOND));
        view.has_put_back(at(1, "a"));
        view.has_read(at(1, "a"), 5, Some(0));
        assert_eq!(view.proof(), Proof::At(SECOND));
        view
    }

    #[test]
    fn what_is_proven_began_when_it_was_asked() {
        let mut view = current();
        assert!(!view.hears(standing(at(1, "a"), 5), 3 * SECOND));
        assert_eq!(view.proof(), Proof::At(3 * SECOND));
        // There is more than was read: what was proven before is all.
        view.hears(standing(at(1, "a"), 6), 4 * SECOND);
        assert_eq!(view.proof(), Proof::Unchanged);
        assert!(matches!(view.next(false), Task::Read(_, _, 5)));
        view.has_read(at(1, "a"), 6, None);
        assert_eq!(view.proof(), Proof::At(4 * SECOND));
    }

    #[test]
    fn another_history_proves_nothing() {
        for other in [at(2, "a"), at(1, "b")] {
            let mut view = current();
            assert!(view.hears(standing(other.clone(), 5), 2 * SECOND));
            assert_eq!(view.proof(), Proof::Void);
            assert!(matches!(view.next(false), Task::PutBack(..)));
            view.has_put_back(other.clone());
            assert_eq!(view.proof(), Proof::Unchanged);
            assert!(matches!(view.next(false), Task::Scan(..)));
            // What was read of the old one says nothing.
            view.has_read(at(1, "a"), 9, None);
            assert_eq!(view.proof(), Proof::Unchanged);
            view.has_read(other, 5, Some(0));
            assert_eq!(view.proof(), Proof::At(2 * SECOND));
        }
        let mut view = current();
        view.is_of(None, "not_created");
        assert_eq!(view.proof(), Proof::Void);
        assert!(matches!(view.next(true), Task::Wait));
    }

    #[test]
    fn a_store_that_is_not_settled_proves_nothing() {
        let mut view = current();
        let mut unsettled = standing(at(1, "a"), 5);
        unsettled.is_settled = false;
        view.hears(unsettled, 2 * SECOND);
        assert_eq!(view.proof(), Proof::Void);
    }

    #[test]
    fn who_stays_behind_reads_it_all() {
        let mut view = current();
        for _ in 0..PATIENCE {
            assert!(matches!(view.next(false), Task::Read(..)));
            view.hears(standing(at(1, "a"), 6), 2 * SECOND);
        }
        assert!(matches!(view.next(false), Task::Scan(..)));
    }

    #[test]
    fn a_list_without_entries_proves_nothing() {
        let mut view = current();
        view.lacks_entries("list_full");
        assert_eq!(view.proof(), Proof::Void);
        // A scan for other lists than those that are there now is not enough.
        view.has_read(at(1, "a"), 5, Some(1));
        assert_eq!(view.proof(), Proof::Void);
        assert!(matches!(view.next(false), Task::Scan(..)));
        view.has_read(at(1, "a"), 5, Some(0));
        assert_eq!(view.proof(), Proof::At(SECOND));
    }

    #[test]
    fn the_latest_that_was_seen_is_told() {
        let mut view = current();
        assert_eq!(view.told().1, (1, 5));
        view.hears(standing(at(3, "a"), 2), SECOND);
        view.hears(standing(at(2, "b"), 9), SECOND);
        assert_eq!(view.told(), (Some(&at(1, "a")), (3, 2)));
    }
}
