//! A snapshot of an issuer's keys, and the one flight that renews it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::{Fetcher, Unavailable};
use crate::clock::Clock;
use crate::event::{Event, Sink};
use crate::jwk::KeySet;

/// How long after a fetch began no other one begins.
const COOLDOWN: Duration = Duration::from_secs(5);
/// How old a snapshot may be before it is renewed in the background.
const FRESH: Duration = Duration::from_mins(10);
/// How old a snapshot may be at all: while the issuer is down, its last keys serve so long.
const STALE: Duration = Duration::from_hours(1);

/// The keys of one issuer, fetched.
#[derive(Clone, Debug)]
pub(crate) struct Fetched(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn Sink>,
    snapshot: ArcSwapOption<Snapshot>,
    flight: Mutex<Flight>,
}

#[derive(Debug)]
struct Snapshot {
    keys: Arc<KeySet>,
    /// On the monotonic clock.
    fetched_at: Duration,
}

/// The state of fetching. The lock is held for a few instructions, never over a wait.
#[derive(Debug, Default)]
struct Flight {
    /// Closed by the task that fetches, also if it dies.
    running: Option<watch::Receiver<()>>,
    started_at: Option<Duration>,
    failure: Option<&'static str>,
}

/// What became of the wish for new keys.
enum Renewal {
    /// A fetch runs; wait for it.
    Running(watch::Receiver<()>),
    /// One ended a moment ago; this is how.
    Cooling(Option<&'static str>),
}

impl Fetched {
    pub(crate) fn new(fetcher: Fetcher, clock: Arc<dyn Clock>, sink: Arc<dyn Sink>) -> Self {
        Self(Arc::new(Shared {
            fetcher,
            clock,
            sink,
            snapshot: ArcSwapOption::empty(),
            flight: Mutex::default(),
        }))
    }

    /// The keys, if they are not too old. Old ones are renewed in the background meanwhile.
    pub(super) fn fresh(&self) -> Option<Arc<KeySet>> {
        let snapshot = self.0.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        let age = self.0.clock.monotonic().saturating_sub(snapshot.fetched_at);
        if age > FRESH {
            self.renew();
        }
        (age <= STALE).then(|| Arc::clone(&snapshot.keys))
    }

    /// The keys for a token that the snapshot does not know: asks the issuer, at most once per
    /// cool-down however many tokens there are.
    pub(super) async fn for_unknown(
        &self,
        knows: impl Fn(&KeySet) -> bool,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let failure = match self.renew() {
            Renewal::Running(mut flight) => {
                // Nothing is ever sent: the wait ends when the flight has landed, and says so.
                flight.changed().await.ok();
                self.flight().failure
            }
            Renewal::Cooling(failure) => failure,
        };
        match (self.fresh(), failure) {
            (Some(keys), _) if knows(&keys) => Ok(keys),
            // The issuer was asked and does not have it: that is the token's fault.
            (Some(keys), None) => Ok(keys),
            (_, failure) => Err(self.unavailable(failure.unwrap_or("not_fetched"))),
        }
    }

    /// Begins a fetch, unless one runs or ran a moment ago.
    fn renew(&self) -> Renewal {
        let now = self.0.clock.monotonic();
        let mut flight = self.flight();
        if let Some(running) = &flight.running {
            if running.has_changed().is_ok() {
                return Renewal::Running(running.clone());
            }
            flight.running = None;
        }
        if flight
            .started_at
            .is_some_and(|at| now.saturating_sub(at) < COOLDOWN)
        {
            return Renewal::Cooling(flight.failure);
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Renewal::Cooling(Some("no_runtime"));
        };
        flight.started_at = Some(now);
        // Until the task says otherwise: should it die, nobody is refused for it.
        flight.failure = Some("fetch_aborted");
        let (landed, running) = watch::channel(());
        flight.running = Some(running.clone());
        let this = self.clone();
        // A task of its own: a client that goes away must not end the fetch that others wait for.
        runtime.spawn(async move {
            this.fetch().await;
            drop(landed);
        });
        Renewal::Running(running)
    }

    async fn fetch(&self) {
        let shared = &self.0;
        let issuer = shared.fetcher.issuer();
        let failure = match shared.fetcher.fetch().await {
            Ok(keys) => {
                shared.sink.record(&Event::KeysArrived {
                    issuer,
                    usable: keys.len(),
                    skipped: keys.skipped(),
                });
                shared.snapshot.store(Some(Arc::new(Snapshot {
                    keys: Arc::new(keys),
                    fetched_at: shared.clock.monotonic(),
                })));
                None
            }
            Err(error) => {
                shared.sink.record(&Event::KeysFailed {
                    issuer,
                    cause: error.code(),
                });
                Some(error.code())
            }
        };
        self.flight().failure = failure;
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
