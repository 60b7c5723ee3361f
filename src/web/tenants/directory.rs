//! Who is there.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use axum::Router;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};

use super::place::TenantName;
use super::tenant::Tenant;
use crate::guard::Tenancy;

/// A tenant that is served.
pub(super) struct Entry {
    tenancy: Tenancy,
    service: Router,
    /// Set when the name was set or removed while somebody fetched this.
    is_stale: Arc<AtomicBool>,
}

type Map = HashMap<TenantName, Arc<Entry>>;

/// How many maps there are: a change copies one of them.
const SHARDS: usize = 256;

/// The tenants of a process: those that were said, and those that were fetched.
///
/// A look takes no lock that is held over a wait; a change is seen by the next request.
pub(super) struct Directory {
    said: Box<[ArcSwap<Map>]>,
    hasher: RandomState,
    fetched: Cache<TenantName, Arc<Entry>, UnitWeighter, RandomState, Retiring>,
}

/// Ends what goes, and keeps what is needed.
#[derive(Clone, Debug)]
pub(super) struct Retiring;

impl Lifecycle<TenantName, Arc<Entry>> for Retiring {
    /// What goes is dropped after the lock of the cache: it is not known what its service does then.
    type RequestState = Vec<Arc<Entry>>;

    /// Nobody gets hold of an entry while this is asked: the cache is locked.
    fn is_pinned(&self, _: &TenantName, entry: &Arc<Entry>) -> bool {
        let is_used = Arc::strong_count(entry) > 1;
        is_used || entry.tenancy.is_needed()
    }

    fn on_evict(&self, gone: &mut Vec<Arc<Entry>>, _: TenantName, entry: Arc<Entry>) {
        entry.tenancy.retire(None);
        gone.push(entry);
    }
}

impl Entry {
    pub(super) fn new(tenant: Tenant, is_stale: Arc<AtomicBool>) -> Arc<Self> {
        let Tenant {
            tenancy, service, ..
        } = tenant;
        Arc::new(Self {
            tenancy,
            service,
            is_stale,
        })
    }

    pub(super) fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::SeqCst)
    }

    pub(super) const fn tenancy(&self) -> &Tenancy {
        &self.tenancy
    }

    pub(super) fn service(&self) -> Router {
        self.service.clone()
    }
}

impl Directory {
    pub(super) fn new(most_fetched: usize) -> Self {
        // One alone would never be taken in.
        let most = most_fetched.max(2);
        let weight = u64::try_from(most).unwrap_or(u64::MAX);
        let hasher = RandomState::new();
        Self {
            said: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            fetched: Cache::with(most, weight, UnitWeighter, hasher.clone(), Retiring),
            hasher,
        }
    }

    fn shard(&self, name: &str) -> Option<&ArcSwap<Map>> {
        let shards = u64::try_from(self.said.len()).ok()?;
        let place = self.hasher.hash_one(name).checked_rem(shards)?;
        self.said.get(usize::try_from(place).ok()?)
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Entry>> {
        let fetched = || self.fetched.get(name).filter(|entry| !entry.is_stale());
        self.said(name).or_else(fetched)
    }

    pub(super) fn said(&self, name: &str) -> Option<Arc<Entry>> {
        self.shard(name)?.load().get(name).map(Arc::clone)
    }

    /// Puts a tenant in its place. Whoever was there before is retired.
    pub(super) fn put(&self, name: &TenantName, entry: &Arc<Entry>) -> bool {
        let Some(shard) = self.shard(name.as_str()) else {
            return false;
        };
        let before = shard.rcu(|map| {
            let mut map = Map::clone(map);
            map.insert(name.clone(), Arc::clone(entry));
            map
        });
        let fetched = self.take_fetched(name.as_str());
        let former = before.get(name).cloned().into_iter().chain(fetched);
        former.fold(false, |_, former| {
            former.tenancy.retire(Some(&entry.tenancy));
            true
        })
    }

    /// Takes a tenant away and retires it.
    pub(super) fn take(&self, name: &str) -> bool {
        let said = self.shard(name).and_then(|shard| {
            if !shard.load().contains_key(name) {
                return None;
            }
            let before = shard.rcu(|map| {
                let mut map = Map::clone(map);
                map.remove(name);
                map
            });
            before.get(name).cloned()
        });
        let fetched = self.take_fetched(name);
        said.into_iter().chain(fetched).fold(false, |_, entry| {
            entry.tenancy.retire(None);
            true
        })
    }

    /// Takes away what was fetched. Who waits for what is being fetched goes on to do so.
    fn take_fetched(&self, name: &str) -> Option<Arc<Entry>> {
        let taken = self.fetched.remove_if(name, |_| true);
        taken.map(|(_, entry)| entry)
    }

    /// Takes away what was fetched, if it is still this one; what counts in its place may have its guards.
    pub(super) fn drop_fetched(&self, name: &TenantName, gone: &Arc<Entry>, said: Option<&Entry>) {
        let is_it = |entry: &Arc<Entry>| Arc::ptr_eq(entry, gone);
        self.fetched.remove_if(name, is_it);
        gone.tenancy.retire(said.map(|said| &said.tenancy));
    }

    pub(super) const fn fetched(
        &self,
    ) -> &Cache<TenantName, Arc<Entry>, UnitWeighter, RandomState, Retiring> {
        &self.fetched
    }

    /// How many were said, and how many are there that were fetched.
    pub(super) fn len(&self) -> (usize, usize) {
        let said = self.said.iter().map(|shard| shard.load().len()).sum();
        (said, self.fetched.len())
    }
}
