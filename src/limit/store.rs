//! A bounded place for the state of many keys.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// How many keys share a bucket: as many as fit into one line of a processor's cache.
const WAYS: usize = 4;
/// How many buckets there are at first: 128 keys, in two kilobytes.
const FIRST: usize = 32;
/// How many times as many there are after each growth.
const GROWTH: usize = 8;

type Buckets = Box<[[Slot; WAYS]]>;

/// The state of a bounded number of keys, in a table that is laid out for the first of them and grows with
/// them.
///
/// A key may stand in one bucket, which its hash names; keys are random to strangers (they are keyed
/// hashes), so nobody can crowd a bucket. Where a bucket is full, a larger table takes over; in the largest
/// the newcomer takes the place of the key that is farthest from its limit: the state is the time at which a
/// key's quota is whole again, so the earliest says least, and one that has passed says nothing. Whoever is
/// forgotten begins anew; a full table forgives, and locks nobody out.
///
/// Nothing here waits. Two threads that meet in one slot may forget a request between them, and so may
/// those that count while a table grows, which happens a few times.
#[derive(Debug)]
struct BoundedStore {
    /// From the smallest to the largest, each there when it is needed.
    tables: Box<[OnceLock<Buckets>]>,
    /// The buckets of the largest, a power of two.
    most: usize,
    /// Which of the tables counts.
    grown: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slot {
    /// Zero for nobody.
    key: AtomicU64,
    /// When the quota is whole again, in nanoseconds; zero for a key that has used nothing.
    state: AtomicU64,
}

/// Where a key stands.
enum Found<'t> {
    Own(&'t Slot),
    /// It is not there, and this is whose place it could take.
    Least(&'t Slot),
}

impl BoundedStore {
    /// A table for at most `most` keys, rounded down to a power of two, four at least.
    fn new(most: usize) -> Self {
        let wanted = most.checked_div(WAYS).unwrap_or_default().max(1);
        let most = 1_usize.checked_shl(wanted.ilog2()).unwrap_or(1);
        let sizes = std::iter::successors(Some(most), |size| size.checked_div(GROWTH));
        let sizes = sizes.take_while(|size| *size == most || *size >= FIRST);
        Self {
            tables: sizes.map(|_| OnceLock::new()).collect(),
            most,
            grown: AtomicUsize::new(0),
        }
    }

    /// How many buckets the table at this place has.
    fn size(&self, place: usize) -> usize {
        let above = self.tables.len().saturating_sub(place).saturating_sub(1);
        let smaller = |size: usize, _| size.checked_div(GROWTH).unwrap_or(1);
        (0..above).fold(self.most, smaller).max(1)
    }

    /// The table at this place, with all that the one before it knows.
    fn table(&self, place: usize) -> Option<&Buckets> {
        let lay_out = || {
            let buckets: Buckets = (0..self.size(place)).map(|_| Default::default()).collect();
            let before = place
                .checked_sub(1)
                .and_then(|place| self.tables.get(place));
            for known in before
                .and_then(OnceLock::get)
                .into_iter()
                .flatten()
                .flatten()
            {
                let key = known.key.load(Ordering::Acquire);
                if key != 0
                    && let Some(Found::Least(slot)) = find(&buckets, key)
                {
                    let state = known.state.load(Ordering::Acquire);
                    slot.state.store(state, Ordering::Release);
                    slot.key.store(key, Ordering::Release);
                }
            }
            buckets
        };
        Some(self.tables.get(place)?.get_or_init(lay_out))
    }

    /// The place of `key`: its own, or one that it takes.
    fn slot(&self, key: u64) -> Option<&Slot> {
        loop {
            let place = self.grown.load(Ordering::Acquire);
            let least = match find(self.table(place)?, key)? {
                Found::Own(slot) => return Some(slot),
                Found::Least(slot) => slot,
            };
            let larger = place.checked_add(1)?;
            if least.key.load(Ordering::Acquire) == 0 || self.table(larger).is_none() {
                least.state.store(0, Ordering::Release);
                least.key.store(key, Ordering::Release);
                return Some(least);
            }
            self.grown.fetch_max(larger, Ordering::AcqRel);
        }
    }
}

/// Where `key` stands in this table, or could stand.
fn find(buckets: &[[Slot; WAYS]], key: u64) -> Option<Found<'_>> {
    let mask = u64::try_from(buckets.len()).ok()?.checked_sub(1)?;
    let bucket = buckets.get(usize::try_from(key & mask).ok()?)?;
    let is_own = |slot: &&Slot| slot.key.load(Ordering::Acquire) == key;
    if let Some(own) = bucket.iter().find(is_own) {
        return Some(Found::Own(own));
    }
    // One that nobody has says least of all.
    let says = |slot: &&Slot| {
        let is_taken = slot.key.load(Ordering::Acquire) != 0;
        (is_taken, slot.state.load(Ordering::Acquire))
    };
    bucket.iter().min_by_key(says).map(Found::Least)
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
        assert_eq!(store.size(0), 16);
        for key in 1..=64 {
            assert_eq!(put(&store, key, key + 1_000), None);
        }
        for key in 1..=64 {
            assert_eq!(put(&store, key, 1), Some(key + 1_000), "{key}");
        }
    }

    #[test]
    fn a_table_grows_with_its_keys_and_forgets_none() {
        let store = BoundedStore::new(1 << 16);
        assert_eq!(
            [0, 1, 2, 3].map(|place| store.size(place)),
            [32, 256, 2048, 16384]
        );
        assert_eq!(store.tables.len(), 4);
        let laid_out = || {
            store
                .tables
                .iter()
                .filter(|table| table.get().is_some())
                .count()
        };
        assert_eq!(laid_out(), 0);
        // As keyed hashes are.
        let key = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut known = 0;
        for (keys, tables) in [(10, 1), (120, 2), (2_000, 3), (12_000, 4)] {
            while known < keys {
                known += 1;
                assert_eq!(put(&store, key(known), known), None, "{known}");
            }
            assert_eq!(laid_out(), tables, "with {keys} keys");
            for number in 1..=known {
                assert_eq!(
                    put(&store, key(number), number),
                    Some(number),
                    "{number} of {keys}"
                );
            }
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
