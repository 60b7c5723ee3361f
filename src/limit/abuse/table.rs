//! A bounded place for what is known of many keys.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How many keys share a bucket.
const WAYS: usize = 8;

/// Something that says nothing any more from some moment on.
pub(super) trait Fades {
    /// That moment, on the monotonic clock.
    fn fades_at(&self) -> Duration;
}

/// What is known of a bounded number of keys. Nothing is laid out before the first one.
///
/// A key stands in one bucket, which its hash names; keys are keyed hashes, so nobody can crowd a bucket
/// by choice. A bucket is locked for a few instructions, and never over a wait.
pub(super) struct Table<T> {
    most: usize,
    buckets: OnceLock<Box<[Bucket<T>]>>,
}

type Bucket<T> = Mutex<Vec<(u64, T)>>;

/// Who goes where a bucket is full.
#[derive(Clone, Copy)]
pub(super) enum Crowded {
    /// Whatever fades first, be it ever so late.
    Evicts,
    /// What has faded by now; else there is no place for a newcomer.
    Keeps(Duration),
}

impl<T: Fades> Table<T> {
    /// For at most so many keys, rounded down to a power of two, eight at least.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            most,
            buckets: OnceLock::new(),
        }
    }

    fn lay_out(&self) -> Box<[Bucket<T>]> {
        let wanted = self.most.checked_div(WAYS).unwrap_or_default().max(1);
        let count = 1_usize.checked_shl(wanted.ilog2()).unwrap_or(1);
        (0..count).map(|_| Mutex::default()).collect()
    }

    fn bucket(buckets: &[Bucket<T>], key: u64) -> Option<MutexGuard<'_, Vec<(u64, T)>>> {
        let mask = u64::try_from(buckets.len()).ok()?.checked_sub(1)?;
        buckets.get(usize::try_from(key & mask).ok()?).map(locked)
    }

    /// Looks at what is known of `key`, if something is.
    pub(super) fn look<R>(&self, key: u64, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut bucket = Self::bucket(self.buckets.get()?, key)?;
        let found = bucket.iter_mut().find(|(known, _)| *known == key)?;
        Some(look(&mut found.1))
    }

    /// Changes what is known of `key`, which is the default where nothing was; nothing where there is no
    /// place for it.
    pub(super) fn change<R>(
        &self,
        key: u64,
        crowded: Crowded,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R>
    where
        T: Default,
    {
        let buckets = self.buckets.get_or_init(|| self.lay_out());
        let mut bucket = Self::bucket(buckets, key)?;
        if let Some((_, known)) = bucket.iter_mut().find(|(known, _)| *known == key) {
            return Some(change(known));
        }
        if bucket.len() >= WAYS {
            let ends = bucket.iter().map(|(_, known)| known.fades_at());
            let (place, end) = ends.enumerate().min_by_key(|(_, end)| *end)?;
            if matches!(crowded, Crowded::Keeps(now) if end > now) {
                return None;
            }
            bucket.swap_remove(place);
        }
        let mut newcomer = T::default();
        let changed = change(&mut newcomer);
        bucket.push((key, newcomer));
        Some(changed)
    }

    /// Forgets `key`.
    pub(super) fn forget(&self, key: u64) {
        if let Some(mut bucket) = self.buckets.get().and_then(|all| Self::bucket(all, key)) {
            bucket.retain(|(known, _)| *known != key);
        }
    }

    /// Forgets all of which this is true, and says how many they were.
    pub(super) fn forget_if(&self, is: impl Fn(&T) -> bool) -> usize {
        let mut forgotten = 0_usize;
        for bucket in self.buckets.get().into_iter().flatten() {
            let mut bucket = locked(bucket);
            let before = bucket.len();
            bucket.retain(|(_, known)| !is(known));
            forgotten = forgotten.saturating_add(before.saturating_sub(bucket.len()));
        }
        forgotten
    }

    /// Of how many this is true.
    pub(super) fn count(&self, is: impl Fn(&T) -> bool) -> usize {
        let buckets = self.buckets.get().into_iter().flatten();
        buckets
            .map(|bucket| locked(bucket).iter().filter(|(_, known)| is(known)).count())
            .sum()
    }
}

fn locked<T>(bucket: &Bucket<T>) -> MutexGuard<'_, Vec<(u64, T)>> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Until(Duration);

    impl Fades for Until {
        fn fades_at(&self) -> Duration {
            self.0
        }
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn put(table: &Table<Until>, key: u64, crowded: Crowded, until: u64) -> bool {
        let put = table.change(key, crowded, |known| *known = Until(at(until)));
        put.is_some()
    }

    #[test]
    fn memory_is_bounded_and_what_fades_first_goes_first() {
        let table = Table::<Until>::new(8);
        for key in 0..8 {
            assert!(put(&table, key, Crowded::Evicts, 100 + key));
        }
        assert!(put(&table, 8, Crowded::Evicts, 50));
        assert_eq!(table.look(0, |_| ()), None);
        assert!(put(&table, 9, Crowded::Evicts, 500));
        assert_eq!(table.look(8, |_| ()), None);
        assert_eq!(table.look(1, |known| known.0), Some(at(101)));
        assert_eq!(table.count(|_| true), 8);
    }

    #[test]
    fn what_still_says_something_keeps_its_place() {
        let table = Table::<Until>::new(8);
        for key in 0..8 {
            assert!(put(&table, key, Crowded::Keeps(at(0)), 100 + key));
        }
        assert!(!put(&table, 8, Crowded::Keeps(at(99)), 300));
        assert!(put(&table, 5, Crowded::Keeps(at(99)), 300), "its own place");
        assert!(put(&table, 8, Crowded::Keeps(at(100)), 300));
        assert_eq!(table.look(0, |_| ()), None);
        table.forget(8);
        assert!(put(&table, 9, Crowded::Keeps(at(0)), 300));
        assert_eq!(table.forget_if(|known| known.0 == at(300)), 2);
    }

    #[test]
    fn nothing_is_laid_out_before_it_is_needed() {
        let table = Table::<Until>::new(1 << 16);
        assert_eq!(table.look(1, |_| ()), None);
        table.forget(1);
        assert_eq!(table.count(|_| true), 0);
        assert!(table.buckets.get().is_none());
        for key in 0..(1 << 17) {
            assert!(put(&table, key, Crowded::Evicts, key));
        }
        assert_eq!(table.count(|_| true), 1 << 16);
    }
}
