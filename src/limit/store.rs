//! A bounded place for the state of many keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// How many keys share a bucket: as many as fit into one line of a processor's cache.
const WAYS: usize = 4;

/// The state of a bounded number of keys, in one table that is laid out when it is made.
///
/// A key may stand in one bucket, which its hash names; keys are random to strangers (they are keyed
/// hashes), so nobody can crowd a bucket. Where a bucket is full, the newcomer takes the place of the
/// key that is farthest from its limit: the state is the time at which a key's quota is whole again,
/// so the earliest says least, and one that has passed says nothing. Whoever is forgotten begins
/// anew; a full table forgives, and locks nobody out.
///
/// Nothing here waits. Two threads that meet in one slot may forget a request between them.
#[derive(Debug)]
struct BoundedStore {
    /// A power of two of them.
    buckets: Box<[[Slot; WAYS]]>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Zero for nobody.
    key: AtomicU64,
    /// When the quota is whole again, in nanoseconds; zero for a key that has used nothing.
    state: AtomicU64,
}

impl BoundedStore {
    /// A table for at most `most` keys, rounded down to a power of two, four at least.
    fn new(most: usize) -> Self {
        let wanted = most.checked_div(WAYS).unwrap_or_default().max(1);
        let buckets = 1_usize.checked_shl(wanted.ilog2()).unwrap_or(1);
        Self {
            buckets: (0..buckets).map(|_| Default::default()).collect(),
        }
    }

    /// The place of `key`: its own, or one that it takes.
    fn slot(&self, key: u64) -> Option<&Slot> {
        let mask = u64::try_from(self.buckets.len()).ok()?.checked_sub(1)?;
        let bucket = self.buckets.get(usize::try_from(key & mask).ok()?)?;
        if let Some(own) = bucket
            .iter()
            .find(|slot| slot.key.load(Ordering::Acquire) == key)
        {
            return Some(own);
        }
        let least = bucket
            .iter()
            .min_by_key(|slot| slot.state.load(Ordering::Acquire))?;
        least.state.store(0, Ordering::Release);
        least.key.store(key, Ordering::Release);
        Some(least)
    }
}

/// A store that several quotas share. What they are about must be in their keys.
#[derive(Clone, Debug)]
pub(super) struct Table(Arc<BoundedStore>);

impl Table {
    /// For at most `most` keys.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(BoundedStore::new(most)))
    }
}

impl StateStore for Table {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, decide)
    }
}

impl StateStore for BoundedStore {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Some(Slot { state, .. }) = self.slot((*key).max(1)) else {
            return decide(None).map(|(verdict, _)| verdict);
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets the state of `key`, and gives what it was.
    fn put(store: &BoundedStore, key: u64, state: u64) -> Option<u64> {
        let decide = |before: Option<Nanos>| Ok::<_, ()>((before, Nanos::from(state)));
        store
            .measure_and_replace(&key, decide)
            .unwrap()
            .map(Nanos::as_u64)
    }

    #[test]
    fn a_key_finds_its_state_again() {
        let store = BoundedStore::new(100);
        assert_eq!(store.buckets.len(), 16);
        for key in 1..=64 {
            assert_eq!(put(&store, key, key + 1_000), None);
        }
        for key in 1..=64 {
            assert_eq!(put(&store, key, 1), Some(key + 1_000), "{key}");
        }
    }

    #[test]
    fn who_is_farthest_from_its_limit_is_forgotten_first() {
        let store = BoundedStore::new(1);
        for (key, state) in [(10, 500), (11, 300), (12, 900), (13, 700)] {
            assert_eq!(put(&store, key, state), None);
        }
        assert_eq!(put(&store, 14, 600), None);
        assert_eq!(put(&store, 12, 900), Some(900));
        assert_eq!(put(&store, 10, 500), Some(500));
        assert_eq!(put(&store, 11, 800), None, "forgotten");
        assert_eq!(put(&store, 13, 700), Some(700));
    }

    #[test]
    fn refusals_change_nothing() {
        let store = BoundedStore::new(4);
        put(&store, 7, 50);
        assert_eq!(
            store.measure_and_replace(&7, |_| Err::<((), Nanos), _>("no")),
            Err("no")
        );
        assert_eq!(put(&store, 7, 60), Some(50));
    }

    #[test]
    fn threads_that_share_a_key_lose_no_count() {
        let store = BoundedStore::new(64);
        let count = || {
            let next = |before: Option<Nanos>| {
                let count = before.map_or(0, Nanos::as_u64) + 1;
                Ok::<_, ()>(((), Nanos::from(count)))
            };
            (0..10_000).for_each(|_| store.measure_and_replace(&9, next).unwrap());
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(count);
            }
        });
        assert_eq!(put(&store, 9, 1), Some(40_000));
    }
}
