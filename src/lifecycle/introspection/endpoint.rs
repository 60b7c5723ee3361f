//! Where an issuer is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::fetch::{FetchError, IssuerClient, Place};

/// How long the place counts that the metadata named, before the metadata is read again.
const LIFETIME: Duration = Duration::from_hours(1);
/// How long nobody looks for it again after it was not found.
const PAUSE: Duration = Duration::from_secs(5);

/// The introspection endpoint of one issuer. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Endpoint(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configured: Option<Place>,
    clock: Arc<dyn Clock>,
    /// Held for a few instructions, never over a wait.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    place: Option<Place>,
    /// When the last search began, on the monotonic clock.
    searched_at: Option<Duration>,
    /// Why it found nothing.
    failure: Option<FetchError>,
    /// How the one that runs will end.
    running: Option<watch::Receiver<bool>>,
}

impl Endpoint {
    pub(super) fn new(configured: Option<Place>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            configured,
            clock,
            state: Mutex::default(),
        }))
    }

    /// The place. One that was found once serves on, while in the background it is looked for again;
    /// only whoever comes before the first was found waits.
    pub(super) async fn place(&self, client: &Arc<IssuerClient>) -> Result<Place, FetchError> {
        if let Some(place) = &self.0.configured {
            return Ok(place.clone());
        }
        let running = self.search(client);
        if let Some(place) = &self.state().place {
            return Ok(place.clone());
        }
        if let Some(mut running) = running {
            // If its runtime was shut down, nothing was found.
            running.wait_for(|has_ended| *has_ended).await.ok();
        }
        let state = self.state();
        let failure = state.failure.unwrap_or(FetchError::Connection);
        state.place.clone().ok_or(failure)
    }

    /// Begins a search if it is time for one; the one that runs, if any does.
    fn search(&self, client: &Arc<IssuerClient>) -> Option<watch::Receiver<bool>> {
        let now = self.0.clock.monotonic();
        let mut state = self.state();
        let since = state.searched_at.map(|at| now.saturating_sub(at));
        let is_younger = |limit| since.is_some_and(|since| since < limit);
        if let Some(running) = &state.running
            && !*running.borrow()
            && running.has_changed().is_ok()
            && is_younger(client.time_limit().saturating_add(PAUSE))
        {
            return Some(running.clone());
        }
        let pause = if state.failure.is_some() {
            PAUSE
        } else {
            LIFETIME
        };
        if is_younger(pause) {
            return None;
        }
        let runtime = Handle::try_current().ok()?;
        let (end, running) = watch::channel(false);
        state.searched_at = Some(now);
        state.running = Some(running.clone());
        drop(state);
        let (this, client) = (self.clone(), Arc::clone(client));
        // A task of its own: whoever waits for it may go away.
        runtime.spawn(async move {
            let found = client.in_time(client.introspection_endpoint()).await;
            let mut state = this.state();
            state.failure = found.as_ref().err().copied();
            state.place = found.ok().or_else(|| state.place.take());
            drop(state);
            end.send_replace(true);
        });
        Some(running)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
