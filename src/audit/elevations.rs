//! Who was refused for want of scopes, and came back with them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::id::CorrelationId;
use crate::token::Verified;

/// How many principals are remembered.
const MOST: usize = 4096;
/// For how long: a person reads a consent page meanwhile.
const LONGEST: Duration = Duration::from_mins(10);

/// The last refusal of each principal for want of scopes.
pub(super) struct Elevations {
    table: Cache<u64, Lacked>,
    /// Whether there may be any, so that nobody looks where nothing is.
    is_used: AtomicBool,
}

#[derive(Clone, Copy)]
struct Lacked {
    request: CorrelationId,
    /// Bits of the guard's vocabulary.
    needed: u64,
    until: Duration,
}

impl Elevations {
    pub(super) fn new() -> Self {
        Self {
            table: Cache::new(MOST),
            is_used: AtomicBool::new(false),
        }
    }

    pub(super) fn note(
        &self,
        verified: &Verified,
        request: CorrelationId,
        needed: u64,
        now: Duration,
    ) {
        if needed == 0 {
            // No scope would have helped.
            return;
        }
        let lacked = Lacked {
            request,
            needed,
            until: now.saturating_add(LONGEST),
        };
        self.table.insert(verified.principal_key(), lacked);
        // Afterwards: whoever empties the table meanwhile looks once more.
        self.is_used.store(true, Ordering::SeqCst);
    }

    /// The refusal that this success follows, once.
    pub(super) fn settle(
        &self,
        verified: &Verified,
        now: impl FnOnce() -> Duration,
    ) -> Option<CorrelationId> {
        if !self.is_used.load(Ordering::Relaxed) {
            return None;
        }
        let key = verified.principal_key();
        let lacked = self.table.get(&key)?;
        let now = now();
        let has_it = lacked.needed & !verified.granted().granted == 0;
        if now < lacked.until && !has_it {
            return None;
        }
        // Only what was looked at, and only for one of those who come at this moment.
        let is_it = |known: &Lacked| known.request == lacked.request;
        let removed = self.table.remove_if(&key, is_it);
        if self.table.is_empty() {
            self.is_used.store(false, Ordering::SeqCst);
            if !self.table.is_empty() {
                self.is_used.store(true, Ordering::SeqCst);
            }
        }
        removed?;
        (now < lacked.until).then_some(lacked.request)
    }
}

impl fmt::Debug for Elevations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elevations(..)")
    }
}
