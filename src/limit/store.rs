//! A bounded place for the state of many keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::nanos::Nanos;
use governor::state::StateStore;
use quick_cache::sync::Cache;

/// The state of at most so many keys (two at least, below which the cache keeps no newcomer). When it
/// is full, keys that were not used lately go first, and begin anew if they come back: memory is
/// bounded, and a full table forgives instead of locking anybody out.
#[derive(Debug)]
pub(super) struct BoundedStore(Cache<u64, Arc<AtomicU64>>);

impl BoundedStore {
    pub(super) fn new(most: usize) -> Self {
        Self(Cache::new(most.max(2)))
    }
}

impl StateStore for BoundedStore {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Zero stands for "never": the state is a time to come, so it is never zero itself.
        let state = self
            .0
            .get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        let Ok(state) = state;
        let mut seen = state.load(Ordering::Acquire);
        loop {
            let (verdict, next) = decide((seen != 0).then(|| Nanos::from(seen)))?;
            let swapped =
                state.compare_exchange_weak(seen, next.into(), Ordering::AcqRel, Ordering::Acquire);
            match swapped {
                Ok(_) => return Ok(verdict),
                Err(now) => seen = now,
            }
        }
    }
}
