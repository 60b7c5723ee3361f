//! How much of one principal happens at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exceeded::Allowed;
use super::{LimitedBy, NotUntil};

/// When to come back: nobody knows when something ends.
const SOON: Duration = Duration::from_secs(1);

/// Counts what runs of each principal. It remembers those alone of whom something runs.
pub(super) struct AtOnce {
    by: LimitedBy,
    most: u32,
    running: Arc<Running>,
}

/// The lock is held for a few instructions, never over a wait.
#[derive(Default)]
struct Running(Mutex<HashMap<u64, u32>>);

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtOnce {
    pub(super) fn new(by: LimitedBy, most: u32) -> Self {
        Self {
            by,
            most,
            running: Arc::default(),
        }
    }

    /// A place for one more.
    pub(super) fn take(&self, key: u64) -> Result<Slot, NotUntil> {
        let mut running = self.running.lock();
        let count = running.entry(key).or_insert(0);
        if *count >= self.most {
            return Err(NotUntil {
                by: self.by,
                allowed: Allowed::AtOnce(self.most),
                wait: SOON,
            });
        }
        *count = count.saturating_add(1);
        drop(running);
        Ok(Slot {
            key,
            running: Arc::clone(&self.running),
        })
    }
}

impl fmt::Debug for AtOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtOnce")
            .field("by", &self.by)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// Among what a request takes a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing is worked on for it: a notification, an answer, the end of a session.
    #[default]
    None,
    Call,
    Stream,
}

/// A place among those that happen at once, until it is dropped.
#[must_use = "the place is given back when it is dropped"]
pub(crate) struct Slot {
    key: u64,
    running: Arc<Running>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.running.lock().entry(self.key) {
            match count.get().checked_sub(1) {
                Some(left) if left > 0 => *count.get_mut() = left,
                _ => {
                    count.remove();
                }
            }
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_nobody_is_remembered_for_nothing() {
        let calls = AtOnce::new(LimitedBy::Calls, 2);
        let first = calls.take(1).unwrap();
        let second = calls.take(1).unwrap();
        let other = calls.take(2).unwrap();
        let refused = calls.take(1).unwrap_err();
        assert_eq!((refused.quota(), refused.window()), (2, None));
        assert_eq!(refused.limited_by(), LimitedBy::Calls);
        drop(first);
        let third = calls.take(1).unwrap();
        assert!(calls.take(1).is_err());
        drop((second, third, other));
        assert!(calls.running.lock().is_empty());
    }
}
