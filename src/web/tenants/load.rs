//! Tenants that are fetched when somebody asks for them.

use std::fmt;
use std::future::Future;
use std::hash::RandomState;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tokio::sync::Semaphore;

use super::directory::{Directory, Entry};
use super::place::{Place, TenantName};
use super::tenant::Tenant;
use crate::audit::Journal;
use crate::clock::Clock;
use crate::event::{Event, Sink as _};

/// What a [`TenantLoader`] answers later: the tenant, or that there is none.
pub type LoadedTenant =
    Pin<Box<dyn Future<Output = Result<Option<Tenant>, TenantUnavailable>> + Send>>;

/// Knows tenants that [`Tenants`](super::Tenants) does not know yet: a database, say.
///
/// A closure that gives a future is one. It is asked once for a name however many requests wait, and not
/// again for a while when there is no such tenant, or when it could not say.
///
/// # Examples
/// ```
/// use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute};
/// use clearance::tenants::{Tenant, TenantName, TenantUnavailable, Tenants};
/// use clearance::{Authorized, Guard};
///
/// async fn search(_: Authorized<ToolsExecute>) -> Result<&'static str, ToolError> {
///     Ok("nothing")
/// }
///
/// async fn load(name: TenantName) -> Result<Option<Tenant>, TenantUnavailable> {
///     // A row of your database says whose tokens count.
///     let (issuer, resource) = match name.as_str() {
///         "acme" => ("https://login.acme.example", "https://mcp.example.com/acme/mcp"),
///         _ => return Ok(None),
///     };
///     let broken = |_| TenantUnavailable::new("configuration");
///     let guard = Guard::<McpScopes>::builder(resource.parse().map_err(broken)?)
///         .issuer(issuer.parse().map_err(broken)?)
///         .build();
///     let guard = guard.map_err(|_| TenantUnavailable::new("configuration"))?;
///     let service = mcp::Router::new(&guard).tool("search", search).build();
///     let service = service.map_err(|_| TenantUnavailable::new("configuration"))?;
///     Ok(Some(Tenant::new(&guard, service)))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tenants = Tenants::builder("https://mcp.example.com/{tenant}/mcp").loader(load).build()?;
/// # let _ = tenants;
/// # Ok(())
/// # }
/// ```
pub trait TenantLoader: Send + Sync + 'static {
    /// The tenant of this name, whose resource has the name in it; nothing if there is none.
    ///
    /// It is a task of its own, which goes on when the client that asked first goes away, and is given up
    /// after the builder's [`load_timeout`](super::TenantsBuilder::load_timeout).
    fn load(&self, name: TenantName) -> LoadedTenant;
}

impl<F, Fut> TenantLoader for F
where
    F: Fn(TenantName) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Tenant>, TenantUnavailable>> + Send + 'static,
{
    fn load(&self, name: TenantName) -> LoadedTenant {
        Box::pin(self(name))
    }
}

/// It cannot be said now whether there is such a tenant. Requests get 503, and nobody is refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tenant cannot be fetched: {cause}")]
pub struct TenantUnavailable {
    cause: &'static str,
}

impl TenantUnavailable {
    /// For `cause`, a stable code such as `connection_failed`.
    pub const fn new(cause: &'static str) -> Self {
        Self { cause }
    }

    /// The stable code.
    pub const fn cause(&self) -> &'static str {
        self.cause
    }
}

/// Why there is no tenant to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is none of this name.
    Absent,
    /// Nobody can say; after this time it is worth another try.
    Unavailable(Duration),
}

/// For how long nobody asks again after a failure.
const REST: Duration = Duration::from_secs(1);
/// How many times a name is asked for again that was taken away meanwhile.
const ATTEMPTS: usize = 3;

/// What was said about fetching.
pub(super) struct Loading {
    pub(super) loader: Box<dyn TenantLoader>,
    pub(super) timeout: Duration,
    pub(super) absent_for: Duration,
    pub(super) most_absent: usize,
    pub(super) at_once: usize,
    pub(super) clock: Arc<dyn Clock>,
}

/// Fetches tenants.
pub(super) struct Fetcher {
    said: Loading,
    /// Until when a name is not asked for again, on the monotonic clock, and what it is until then.
    missing: Cache<TenantName, (Duration, Missing), UnitWeighter, RandomState>,
    at_once: Semaphore,
    /// How often a tenant was taken away.
    taken: AtomicU64,
}

impl Fetcher {
    pub(super) fn new(said: Loading) -> Self {
        let most = said.most_absent;
        let weight = u64::try_from(most).unwrap_or(u64::MAX);
        Self {
            missing: Cache::with(
                most,
                weight,
                UnitWeighter,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
            at_once: Semaphore::new(said.at_once.min(Semaphore::MAX_PERMITS)),
            taken: AtomicU64::new(0),
            said,
        }
    }

    /// What was asked for until now says nothing any more about this name.
    pub(super) fn forget(&self, name: &TenantName) {
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.missing.remove(name);
    }

    /// How many names are known to be missing.
    pub(super) fn missing(&self) -> usize {
        self.missing.len()
    }

    /// Why the tenant is missing, if that was found out a moment ago.
    pub(super) fn known_missing(&self, name: &str) -> Option<Missing> {
        let (until, missing) = self.missing.get(name)?;
        let left = until.checked_sub(self.said.clock.monotonic());
        let left = left.filter(|left| !left.is_zero())?;
        Some(match missing {
            Missing::Absent => Missing::Absent,
            Missing::Unavailable(_) => Missing::Unavailable(left),
        })
    }

    /// The tenant, fetched by one of those who ask for it at once. It must run in a task of its own: whoever
    /// begins to fetch ends it.
    pub(super) async fn fetch(
        &self,
        place: &Place,
        directory: &Directory,
        name: &TenantName,
    ) -> Result<Arc<Entry>, Missing> {
        for _ in 0..ATTEMPTS {
            let taken = self.taken.load(Ordering::SeqCst);
            let mut is_new = false;
            let load = async {
                if let Some(missing) = self.known_missing(name.as_str()) {
                    return Err(missing);
                }
                is_new = true;
                self.load(place, name).await
            };
            let fetched = directory.fetched().get_or_insert_async(name, load).await;
            // What was found out before somebody took a tenant away may be about that one. Only now: whoever
            // takes one away from here on finds it in its place.
            if is_new && taken != self.taken.load(Ordering::SeqCst) {
                self.missing.remove(name);
                if let Ok(stale) = fetched {
                    directory.drop_fetched(name, &stale);
                }
                continue;
            }
            // It may have been said meanwhile, which counts more.
            return fetched.map(|fetched| directory.get(name.as_str()).unwrap_or(fetched));
        }
        Err(Missing::Unavailable(REST))
    }

    async fn load(&self, place: &Place, name: &TenantName) -> Result<Arc<Entry>, Missing> {
        let Ok(_permit) = self.at_once.try_acquire() else {
            return Err(Missing::Unavailable(REST));
        };
        let answer = tokio::time::timeout(self.said.timeout, self.said.loader.load(name.clone()));
        let cause = match answer.await {
            Ok(Ok(Some(tenant))) if place.name_of(tenant.resource()).as_ref() == Some(name) => {
                return Ok(Entry::new(tenant));
            }
            Ok(Ok(Some(_))) => Some("other_resource"),
            Ok(Ok(None)) => None,
            Ok(Err(unavailable)) => Some(unavailable.cause),
            Err(_) => Some("time_limit_exceeded"),
        };
        Err(self.lacks(name, cause))
    }

    /// Remembers that there is no such tenant, or that nobody can say.
    fn lacks(&self, name: &TenantName, cause: Option<&'static str>) -> Missing {
        let (missing, lasts) = match cause {
            None => (Missing::Absent, self.said.absent_for),
            Some(cause) => {
                let tenant = name.as_str();
                Journal.record(&Event::TenantUnavailable { tenant, cause });
                (Missing::Unavailable(REST), REST)
            }
        };
        let until = self.said.clock.monotonic().saturating_add(lasts);
        self.missing.insert(name.clone(), (until, missing));
        missing
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("missing", &self.missing.len())
            .finish_non_exhaustive()
    }
}
