//! Failures of all peers together: of those who have many addresses, each may keep to its budget.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For how long failures are counted together.
const WINDOW: Duration = Duration::from_mins(1);

/// Counts the failures of all peers.
#[derive(Debug)]
pub(super) struct Flood {
    most: u32,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    since: Duration,
    in_window: u64,
    failures: u64,
    floods: u64,
}

impl Flood {
    pub(super) const fn new(most: u32) -> Self {
        Self {
            most,
            counts: Mutex::new(Counts {
                since: Duration::ZERO,
                in_window: 0,
                failures: 0,
                floods: 0,
            }),
        }
    }

    /// Takes note of a failure. Gives the number of failures in this minute, once, when they are too many.
    pub(super) fn failed(&self, now: Duration) -> Option<u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.failures = counts.failures.saturating_add(1);
        if counts.in_window == 0 || now.saturating_sub(counts.since) >= WINDOW {
            counts.since = now;
            counts.in_window = 0;
        }
        counts.in_window = counts.in_window.saturating_add(1);
        let begins = counts.in_window == u64::from(self.most).saturating_add(1);
        if begins {
            counts.floods = counts.floods.saturating_add(1);
        }
        begins.then_some(counts.in_window)
    }

    /// How many failures there were, and in how many minutes too many.
    pub(super) fn totals(&self) -> (u64, u64) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        (counts.failures, counts.floods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_reported_once_a_minute() {
        let flood = Flood::new(10);
        let reports = |second| {
            let now = Duration::from_secs(second);
            let failures = (0..8).filter_map(|_| flood.failed(now));
            failures.collect::<Vec<_>>()
        };
        assert_eq!(reports(100), [0; 0]);
        assert_eq!(reports(159), [11]);
        assert_eq!(reports(159), [0; 0]);
        assert_eq!(reports(160), [0; 0]);
        assert_eq!(reports(160), [11]);
        assert_eq!(flood.totals(), (40, 2));
    }
}
