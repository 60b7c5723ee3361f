//! Tenants that are fetched when somebody asks for them.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::RandomState;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
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
    /// after the builder's [`load_timeout`](super::TenantsBuilder::load_timeout). One that panics cannot say.
    /// What it answers after the name was set or removed is out of date, and it is asked again. Each tenant
    /// needs guards of its own that were in no tenant before.
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
    asking: Mutex<Asking>,
}

/// What is asked for now, and whether the answer will be out of date: the name was set or removed meanwhile.
type Asking = HashMap<TenantName, Arc<AtomicBool>>;

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
            asking: Mutex::default(),
            said,
        }
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for until now says nothing any more about this name. Whoever sets or removes a tenant
    /// says so first: what is fetched before is found in its place then, and what is fetched later is stale.
    pub(super) fn forget(&self, name: &TenantName) {
        let asking = self.asking();
        if let Some(is_stale) = asking.get(name) {
            is_stale.store(true, Ordering::SeqCst);
        }
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
            let mut asked = None;
            let load = async {
                if let Some(missing) = self.known_missing(name.as_str()) {
                    return Err(missing);
                }
                if directory.said(name.as_str()).is_some() {
                    return Err(Missing::Unavailable(Duration::ZERO));
                }
                let Ok(_permit) = self.at_once.try_acquire() else {
                    return Err(Missing::Unavailable(REST));
                };
                let is_stale = asked.insert(self.begin(name));
                self.load(place, name, is_stale).await
            };
            let fetched = directory.fetched().get_or_insert_async(name, load).await;
            if let Some(is_stale) = &asked {
                self.end(name, is_stale);
            }
            // It may have been said meanwhile, which counts more.
            if let Some(said) = directory.said(name.as_str()) {
                if let Ok(gone) = fetched {
                    directory.drop_fetched(name, &gone, Some(&said));
                }
                return Ok(said);
            }
            match fetched {
                Ok(fetched) if !fetched.is_stale() => return Ok(fetched),
                Ok(gone) => {
                    directory.drop_fetched(name, &gone, None);
                    // Whoever fetched it may be about to put it there.
                    tokio::task::yield_now().await;
                }
                Err(missing) => {
                    let is_stale = asked.is_some_and(|asked| asked.load(Ordering::SeqCst));
                    if !is_stale {
                        return Err(missing);
                    }
                }
            }
        }
        Err(Missing::Unavailable(REST))
    }

    fn begin(&self, name: &TenantName) -> Arc<AtomicBool> {
        let is_stale = Arc::default();
        self.asking().insert(name.clone(), Arc::clone(&is_stale));
        is_stale
    }

    fn end(&self, name: &TenantName, asked: &Arc<AtomicBool>) {
        let mut asking = self.asking();
        // The next one may have begun already.
        if asking.get(name).is_some_and(|of| Arc::ptr_eq(of, asked)) {
            asking.remove(name);
        }
    }

    async fn load(
        &self,
        place: &Place,
        name: &TenantName,
        is_stale: &Arc<AtomicBool>,
    ) -> Result<Arc<Entry>, Missing> {
        let answer = tokio::time::timeout(self.said.timeout, self.answer(name));
        let cause = match answer.await {
            Ok(Ok(Some(tenant))) if place.name_of(tenant.resource()).as_ref() != Some(name) => {
                Some("other_resource")
            }
            // It would let nobody in.
            Ok(Ok(Some(tenant))) if tenant.tenancy.is_retired() => Some("retired_guard"),
            Ok(Ok(Some(tenant))) => return Ok(Entry::new(tenant, Arc::clone(is_stale))),
            Ok(Ok(None)) => None,
            Ok(Err(unavailable)) => Some(unavailable.cause),
            Err(_) => Some("time_limit_exceeded"),
        };
        Err(self.lacks(name, cause, is_stale))
    }

    /// What the loader says. One that panics cannot say anything, to none of those who wait.
    async fn answer(&self, name: &TenantName) -> Result<Option<Tenant>, TenantUnavailable> {
        let mut loading = None;
        let step = poll_fn(|cx| {
            let mut step = || {
                let begin = || self.said.loader.load(name.clone());
                loading.get_or_insert_with(begin).as_mut().poll(cx)
            };
            let panicked = Err(TenantUnavailable::new("panicked"));
            catch_unwind(AssertUnwindSafe(&mut step)).unwrap_or(Poll::Ready(panicked))
        });
        step.await
    }

    /// Remembers that there is no such tenant, or that nobody can say.
    fn lacks(
        &self,
        name: &TenantName,
        cause: Option<&'static str>,
        is_stale: &AtomicBool,
    ) -> Missing {
        let (missing, lasts) = match cause {
            None => (Missing::Absent, self.said.absent_for),
            Some(cause) => {
                let tenant = name.as_str();
                Journal.record(&Event::TenantUnavailable { tenant, cause });
                (Missing::Unavailable(REST), REST)
            }
        };
        let until = self.said.clock.monotonic().saturating_add(lasts);
        // Under the lock, so that nobody forgets it in between.
        let asking = self.asking();
        if !is_stale.load(Ordering::SeqCst) {
            self.missing.insert(name.clone(), (until, missing));
        }
        drop(asking);
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
