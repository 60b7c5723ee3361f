//! Many resources in one process.
//!
//! A request is for one tenant, which its path or host alone names; `place` says which, `directory` knows
//! who is there, `load` fetches who is not, and `service` lets the tenant answer.

mod directory;
mod load;
mod place;
mod service;
mod tenant;

pub use load::{LoadedTenant, TenantLoader, TenantUnavailable};
pub use place::{PlaceError, TenantName};
pub use service::TenantFuture;
pub use tenant::Tenant;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::id::Resource;
use directory::{Directory, Entry};
use load::{Fetcher, Loading};
use place::Place;

#[doc = include_str!("guide.md")]
#[derive(Clone)]
pub struct Tenants {
    shared: Arc<Shared>,
}

struct Shared {
    place: Place,
    directory: Directory,
    fetcher: Option<Fetcher>,
}

/// Makes [`Tenants`]. See [`Tenants::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct TenantsBuilder {
    place: Box<str>,
    loader: Option<Box<dyn TenantLoader>>,
    timeout: Duration,
    absent_for: Duration,
    most_absent: usize,
    most_fetched: usize,
    at_once: usize,
    clock: Arc<dyn Clock>,
}

/// Why a tenant is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// Its resource is not where the tenants are.
    #[error("the resource {resource} is not at {place}")]
    #[non_exhaustive]
    Misplaced {
        /// The tenant's resource.
        resource: Resource,
        /// Where the tenants are.
        place: Box<str>,
    },
    /// A guard of it was a former tenant's, which is gone: it lets nobody in any more. Build another one.
    #[error("the guard was retired with a former tenant")]
    Retired,
}

/// How many tenants there are. See [`Tenants::stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantStats {
    /// Those that were [set](Tenants::set).
    pub set: usize,
    /// Those that were fetched and are there.
    pub fetched: usize,
    /// Names that are known to be missing for now.
    pub missing: usize,
}

impl Tenants {
    /// Begins tenants whose resources are at `place`: a resource identifier with `{tenant}` in it, once.
    ///
    /// - `https://mcp.example.com/{tenant}/mcp`: by the path. A tenant has all paths below its name, and
    ///   its metadata at `/.well-known/oauth-protected-resource/acme/mcp`. The path is compared as it is
    ///   written, with upper and lower case.
    /// - `https://{tenant}.example.com/mcp`: by the first label of the host, in upper or lower case. A tenant
    ///   has all paths of its host. `Host` and `:authority` are believed, so a proxy in front must pass on
    ///   the one that the client wrote; `X-Forwarded-Host` is not looked at.
    /// - `https://{tenant}/mcp`: by the whole host, for tenants with domains of their own.
    pub fn builder(place: impl Into<Box<str>>) -> TenantsBuilder {
        TenantsBuilder {
            place: place.into(),
            loader: None,
            timeout: Duration::from_secs(10),
            absent_for: Duration::from_secs(10),
            most_absent: 10_000,
            most_fetched: 10_000,
            at_once: 64,
            clock: Arc::new(SystemClock),
        }
    }

    /// Adds a tenant, or puts it in the place of the one that has its resource: the next request is for the
    /// new one.
    ///
    /// The streams of a former guard end, unless the new tenant has the same one, and requests that it let in
    /// a moment ago get 503 where they are judged once more. Whether there was a former one is told.
    ///
    /// # Errors
    /// [`SetError`], and then nothing has changed.
    pub fn set(&self, tenant: Tenant) -> Result<bool, SetError> {
        let shared = &self.shared;
        let Some(name) = shared.place.name_of(tenant.resource()) else {
            return Err(SetError::Misplaced {
                resource: tenant.resource().clone(),
                place: shared.place.as_str().into(),
            });
        };
        if tenant.tenancy.is_retired() {
            return Err(SetError::Retired);
        }
        if let Some(fetcher) = &shared.fetcher {
            fetcher.forget(&name);
        }
        let entry = Entry::new(tenant, Arc::default());
        Ok(shared.directory.put(&name, &entry))
    }

    /// Removes a tenant, and forgets that there is none of this name: a [loader](TenantLoader) is asked again
    /// when a request comes. That is how a tenant that was fetched is changed.
    ///
    /// Its streams end, and requests that are under way get 503 where they are judged once more. Its guards
    /// are retired for good: for a tenant that comes back, build another one. Whether it was there is told.
    pub fn remove(&self, name: &str) -> bool {
        let shared = &self.shared;
        let name = shared.place.known_as(name);
        if let Some(fetcher) = &shared.fetcher {
            fetcher.forget(&TenantName::new(&name));
        }
        shared.directory.take(&name)
    }

    /// The name of the tenant with this resource, whether it is there or not; nothing if it is not at the
    /// place of these tenants.
    pub fn name_of(&self, resource: &Resource) -> Option<TenantName> {
        self.shared.place.name_of(resource)
    }

    /// Whether the tenant is there, set or fetched.
    pub fn contains(&self, name: &str) -> bool {
        let name = self.shared.place.known_as(name);
        self.shared.directory.get(&name).is_some()
    }

    /// How many tenants there are.
    pub fn stats(&self) -> TenantStats {
        let (set, fetched) = self.shared.directory.len();
        let missing = self.shared.fetcher.as_ref().map_or(0, Fetcher::missing);
        TenantStats {
            set,
            fetched,
            missing,
        }
    }
}

impl TenantsBuilder {
    /// Who knows tenants that were not [set](Tenants::set).
    pub fn loader(mut self, loader: impl TenantLoader) -> Self {
        self.loader = Some(Box::new(loader));
        self
    }

    /// How long a loader may take: ten seconds unless said. Then requests get 503.
    pub const fn load_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// For how long a name is not asked for again that the loader does not know: ten seconds unless said.
    pub const fn absent_for(mut self, lasts: Duration) -> Self {
        self.absent_for = lasts;
        self
    }

    /// How many names that are missing are remembered: 10 000 unless said.
    pub const fn max_absent(mut self, most: usize) -> Self {
        self.most_absent = most;
        self
    }

    /// About how many fetched tenants are kept: 10 000 unless said, two at least. Of more, those go that nobody asks for,
    /// with what they remember; one goes not while it answers a request, while a stream of it is open, or while
    /// something is revoked that stands in no [store](crate::lifecycle::RevocationStore).
    pub const fn max_fetched(mut self, most: usize) -> Self {
        self.most_fetched = most;
        self
    }

    /// How many tenants are fetched at once: 64 unless said. A request for one more gets 503, also where a
    /// flood of names that nobody has keeps the loader busy.
    pub const fn loads_at_once(mut self, most: usize) -> Self {
        self.at_once = most;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The tenants: none at first.
    ///
    /// # Errors
    /// [`PlaceError`]
    pub fn build(self) -> Result<Tenants, PlaceError> {
        let place = Place::parse(&self.place)?;
        let (timeout, absent_for) = (self.timeout, self.absent_for);
        let (most_absent, at_once, clock) = (self.most_absent, self.at_once, self.clock);
        let fetcher = self.loader.map(|loader| {
            Fetcher::new(Loading {
                loader,
                timeout,
                absent_for,
                most_absent,
                at_once,
                clock,
            })
        });
        Ok(Tenants {
            shared: Arc::new(Shared {
                place,
                directory: Directory::new(self.most_fetched),
                fetcher,
            }),
        })
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants")
            .field("place", &self.shared.place.as_str())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TenantsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantsBuilder")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
