//! A map that forgets its oldest entry when it is full.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// At most so many entries, so that a flood of requests costs no more memory than that.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    most: usize,
    /// Oldest first; may name keys that were removed since.
    order: VecDeque<K>,
    entries: HashMap<K, V>,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            order: VecDeque::new(),
            entries: HashMap::new(),
        }
    }

    /// Gives what is forgotten for it.
    pub(super) fn insert(&mut self, key: K, value: V) -> Vec<V> {
        let mut forgotten = Vec::new();
        if self.order.len() >= self.most.saturating_mul(2) {
            self.order.retain(|known| self.entries.contains_key(known));
        }
        while self.entries.len() >= self.most
            && let Some(oldest) = self.order.pop_front()
        {
            forgotten.extend(self.entries.remove(&oldest));
        }
        self.order.push_back(key.clone());
        self.entries.insert(key, value);
        forgotten
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn the_oldest_goes_first_and_nothing_grows() {
        let mut map = Bounded::new(3);
        for number in 0..10_000 {
            map.insert(number, ());
            if number % 2 == 0 {
                map.remove(&number);
            }
            assert!(map.entries.len() <= 3);
            assert!(map.order.len() <= 6);
        }
        assert!(map.get(&9_999).is_some());
        assert!(map.get(&9_993).is_none());
    }
}
