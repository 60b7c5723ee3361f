//! A snapshot of an issuer's keys, and the one flight that renews it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::cooldown::{COOLDOWN, UnknownKeys};
use super::fetch::{NoKeys, Published};
use super::{Fetcher, KeyStatus, Unavailable, freshness};
use crate::clock::Clock;
use crate::event::{Event, Sink};
use crate::jwk::{KeySet, Thumbprint};

/// How long a failed fetch says that the issuer is down.
const JUST_NOW: Duration = Duration::from_mins(1);
/// How much longer than the fetch itself a request waits, and how much longer a fetch is waited for.
const MARGIN: Duration = Duration::from_secs(1);

/// The keys of one issuer, fetched.
#[derive(Clone, Debug)]
pub(crate) struct Fetched(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn Sink>,
    /// How old a snapshot may be at all: while the issuer is down, its last keys serve so long.
    stale: Duration,
    snapshot: ArcSwapOption<Snapshot>,
    flight: Mutex<Flight>,
    fetches: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Snapshot {
    keys: Arc<KeySet>,
    /// On the monotonic clock.
    fetched_at: Duration,
    /// When it was asked for.
    asked_at: Duration,
    /// How old it may be before it is renewed in the background.
    ahead: Duration,
    /// How old it may be before requests wait for a new one: a key that its issuer has withdrawn
    /// verifies no longer than that while the issuer can be asked.
    fresh: Duration,
}

/// The state of fetching. The lock is held for a few instructions, never over a wait.
#[derive(Debug, Default)]
struct Flight {
    running: Option<watch::Receiver<Landed>>,
    started_at: Option<Duration>,
    /// Why the last fetch that landed brought nothing.
    failure: Option<&'static str>,
    unknown_keys: UnknownKeys,
}

/// Why new keys are wished for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// There are none, or they get old.
    Age,
    /// A token means a key that is not among them.
    UnknownKey,
}

/// What became of a fetch: nothing yet, or keys, or why not.
type Landed = Option<Result<(), &'static str>>;

/// What became of the wish for new keys.
enum Renewal {
    /// A fetch runs; one can wait for it.
    Running(watch::Receiver<Landed>),
    /// One ended a moment ago.
    Cooling,
}

/// Whether the failure says that the issuer cannot be asked. One that publishes no usable key is there, and
/// has taken its keys back.
fn is_down(failure: Option<&'static str>) -> bool {
    failure.is_some_and(|cause| cause != NoKeys::Empty.code())
}

impl Fetched {
    /// The keys that `fetcher` brings, which serve for at most `stale` while it brings none.
    pub(crate) fn new(
        fetcher: Fetcher,
        stale: Duration,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn Sink>,
    ) -> Self {
        Self(Arc::new(Shared {
            fetcher,
            clock,
            sink,
            stale,
            snapshot: ArcSwapOption::empty(),
            flight: Mutex::default(),
            fetches: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }))
    }

    /// The keys, if they are not too old and `suits` says that they are the right ones.
    pub(super) fn at_hand(&self, suits: impl Fn(&KeySet) -> bool) -> Option<Arc<KeySet>> {
        let now = self.0.clock.monotonic();
        self.look(now, |keys| suits(keys).then(|| Arc::clone(keys)))
    }

    /// Whether this key is at hand, at `now` on the monotonic clock.
    pub(super) fn have(&self, key: &Thumbprint, now: Duration) -> bool {
        let has = |keys: &Arc<KeySet>| keys.has(key).then_some(());
        self.look(now, has).is_some()
    }

    /// What is wanted of the keys, if it is there and they are not too old.
    fn look<T>(&self, now: Duration, wanted: impl FnOnce(&Arc<KeySet>) -> Option<T>) -> Option<T> {
        let snapshot = self.0.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        let found = wanted(&snapshot.keys)?;
        let age = now.saturating_sub(snapshot.fetched_at);
        if age > snapshot.ahead {
            // While the issuer is down its last keys serve, and nobody waits for it.
            let serves =
                age <= snapshot.fresh || (age <= self.0.stale && self.failed_just_now(now));
            if !serves {
                return None;
            }
            self.renew(Wish::Age);
        }
        Some(found)
    }

    /// The keys. While the right ones are at hand, nothing is waited for; otherwise the issuer is
    /// asked, at most once per cool-down however many requests there are.
    pub(super) async fn keys(
        &self,
        suits: impl Fn(&KeySet) -> bool,
    ) -> Result<Arc<KeySet>, Unavailable> {
        match self.at_hand(&suits) {
            Some(keys) => Ok(keys),
            None => Box::pin(self.renewed(suits)).await,
        }
    }

    async fn renewed(&self, suits: impl Fn(&KeySet) -> bool) -> Result<Arc<KeySet>, Unavailable> {
        let is_fresh = |snapshot: &Snapshot| self.age(snapshot) <= snapshot.fresh;
        let wish = match self.snapshot() {
            Some(snapshot) if is_fresh(&snapshot) && !suits(&snapshot.keys) => Wish::UnknownKey,
            _ => Wish::Age,
        };
        let failure = match self.renew(wish) {
            Renewal::Running(flight) => self.landing(flight).await.err(),
            Renewal::Cooling => self.flight().failure,
        };
        let serves = |snapshot: &Snapshot| {
            // Between its lifetime and the limit it serves only where there is no newer one.
            is_fresh(snapshot) || (is_down(failure) && self.age(snapshot) <= self.0.stale)
        };
        match self.snapshot().filter(|snapshot| serves(snapshot)) {
            // If nothing failed, the issuer was asked and has no other keys: then a key that is not
            // among them is the token's fault.
            Some(snapshot) if failure.is_none() || suits(&snapshot.keys) => {
                Ok(Arc::clone(&snapshot.keys))
            }
            _ => Err(self.unavailable(failure.unwrap_or("not_fetched"))),
        }
    }

    async fn landing(&self, mut flight: watch::Receiver<Landed>) -> Result<(), &'static str> {
        let limit = self.0.fetcher.time_limit().saturating_add(MARGIN);
        match tokio::time::timeout(limit, flight.wait_for(Option::is_some)).await {
            Ok(Ok(landed)) => landed.unwrap_or(Ok(())),
            // Its runtime was shut down.
            Ok(Err(_)) => Err("fetch_aborted"),
            // Its runtime is there and nobody drives it.
            Err(_) => Err("fetch_stalled"),
        }
    }

    /// Begins a fetch, if it is time for one, and waits for nothing.
    pub(super) fn hint(&self) {
        self.renew(Wish::UnknownKey);
    }

    /// Whether the issuer was asked a moment ago, and nothing came. What failed long ago says nothing about
    /// an issuer that nobody has asked since.
    fn failed_just_now(&self, now: Duration) -> bool {
        let flight = self.flight();
        let since = flight.started_at.map(|at| now.saturating_sub(at));
        is_down(flight.failure) && since.is_some_and(|since| since <= JUST_NOW)
    }

    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.0.snapshot.load_full()
    }

    fn age(&self, snapshot: &Snapshot) -> Duration {
        self.0.clock.monotonic().saturating_sub(snapshot.fetched_at)
    }

    /// Begins a fetch, unless one runs or ran a moment ago.
    fn renew(&self, wish: Wish) -> Renewal {
        let now = self.0.clock.monotonic();
        let mut flight = self.flight();
        if wish == Wish::UnknownKey {
            flight.unknown_keys.note(now);
        }
        let since_start = flight.started_at.map(|at| now.saturating_sub(at));
        if let Some(running) = flight.running.take() {
            let patience = self.0.fetcher.time_limit().saturating_add(MARGIN);
            let flies = running.borrow().is_none() && running.has_changed().is_ok();
            if flies && since_start.is_some_and(|since| since <= patience) {
                flight.running = Some(running.clone());
                return Renewal::Running(running);
            }
            if running.borrow().is_none() {
                // Its runtime was shut down, or nobody drives it.
                flight.failure = Some("fetch_aborted");
            }
        }
        // An issuer that is down is asked as often as ever: it may be back.
        let for_unknown = wish == Wish::UnknownKey && flight.failure.is_none();
        let cooldown = if for_unknown {
            flight.unknown_keys.cooldown()
        } else {
            COOLDOWN
        };
        if since_start.is_some_and(|since| since < cooldown) {
            return Renewal::Cooling;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            flight.failure = Some("no_runtime");
            return Renewal::Cooling;
        };
        flight.started_at = Some(now);
        if for_unknown {
            flight.unknown_keys.asked();
        }
        let (landing, running) = watch::channel(None);
        flight.running = Some(running.clone());
        drop(flight);
        let this = self.clone();
        // A task of its own: a client that goes away must not end the fetch that others wait for.
        runtime.spawn(async move {
            let landed = this.fetch(now).await;
            let mut flight = this.flight();
            // One that was given up has nothing to say of those that began later.
            if flight.started_at == Some(now) {
                flight.failure = landed.err();
            }
            drop(flight);
            landing.send_replace(Some(landed));
        });
        Renewal::Running(running)
    }

    /// Fetches what is published since `asked_at` at the latest.
    async fn fetch(&self, asked_at: Duration) -> Result<(), &'static str> {
        let shared = &self.0;
        let issuer = shared.fetcher.issuer();
        shared.fetches.fetch_add(1, Ordering::Relaxed);
        match shared.fetcher.fetch().await {
            Ok(Published { keys, lifetime }) => {
                let (usable, skipped) = (keys.len(), keys.skipped());
                let fresh = lifetime.min(shared.stale);
                let arrived = Arc::new(Snapshot {
                    keys: Arc::new(keys),
                    asked_at,
                    fetched_at: shared.clock.monotonic(),
                    ahead: freshness::ahead(fresh),
                    fresh,
                });
                shared.snapshot.rcu(|known| match known {
                    Some(newer) if newer.asked_at > asked_at => Some(Arc::clone(newer)),
                    _ => Some(Arc::clone(&arrived)),
                });
                shared.sink.record(&Event::KeysArrived {
                    issuer,
                    usable,
                    skipped,
                });
                Ok(())
            }
            Err(error) => {
                let cause = error.code();
                shared.failures.fetch_add(1, Ordering::Relaxed);
                shared.sink.record(&Event::KeysFailed { issuer, cause });
                Err(cause)
            }
        }
    }

    /// How it is with the keys at `now` on the monotonic clock.
    pub(super) fn status(&self, now: Duration) -> KeyStatus {
        let shared = &self.0;
        let failure = self.flight().failure;
        let counts = KeyStatus {
            failure,
            fetches: shared.fetches.load(Ordering::Relaxed),
            failures: shared.failures.load(Ordering::Relaxed),
            ..KeyStatus::default()
        };
        let Some(snapshot) = self.snapshot() else {
            return counts;
        };
        let age = now.saturating_sub(snapshot.fetched_at);
        let serve = if is_down(failure) {
            shared.stale
        } else {
            snapshot.fresh
        };
        KeyStatus {
            keys: snapshot.keys.len(),
            age: Some(age),
            renewal_in: Some(snapshot.ahead.saturating_sub(age)),
            serve_for: Some(serve.saturating_sub(age)),
            ..counts
        }
    }

    fn unavailable(&self, cause: &'static str) -> Unavailable {
        let now = self.0.clock.monotonic();
        let since = self
            .flight()
            .started_at
            .map_or(Duration::ZERO, |at| now.saturating_sub(at));
        Unavailable {
            issuer: self.0.fetcher.issuer().clone(),
            cause,
            retry_after: COOLDOWN.saturating_sub(since).max(Duration::from_secs(1)),
        }
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.0.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
