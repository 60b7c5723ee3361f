//! Who was refused for want of scopes, and came back with them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    /// How many were ever noted, so that nobody looks where nothing is.
    noted: AtomicUsize,
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
            noted: AtomicUsize::new(0),
        }
    }

    pub(super) fn note(
        &self,
        verified: &Verified,
        request: CorrelationId,
        needed: u64,
        now: Duration,
    ) {
        let lacked = Lacked {
            request,
            needed,
            until: now.saturating_add(LONGEST),
        };
        self.table.insert(verified.principal_key(), lacked);
        self.noted.store(self.table.len(), Ordering::Relaxed);
    }

    /// The refusal that this success follows, once.
    pub(super) fn settle(
        &self,
        verified: &Verified,
        now: impl FnOnce() -> Duration,
    ) -> Option<CorrelationId> {
        if self.noted.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let key = verified.principal_key();
        let lacked = self.table.get(&key)?;
        let now = now();
        let has_it = lacked.needed & !verified.granted().granted == 0;
        if now < lacked.until && !has_it {
            return None;
        }
        self.table.remove(&key);
        self.noted.store(self.table.len(), Ordering::Relaxed);
        (now < lacked.until).then_some(lacked.request)
    }
}

impl fmt::Debug for Elevations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elevations(..)")
    }
}
