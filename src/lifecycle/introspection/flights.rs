//! Questions that are on their way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::super::TokenKey;
use super::asker::Unanswered;

/// The most questions that may be on their way or wait to be.
const MOST: usize = 1024;

/// What an issuer answered, and when it was asked, on the monotonic clock.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) text: Arc<[u8]>,
    pub(super) asked_at: Duration,
}

pub(super) type Landed = Option<Result<Answer, Unanswered>>;

/// One question for each token, however many requests come with it.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<TokenKey, watch::Receiver<Landed>>>);

/// What is to be done about a token.
pub(super) enum Boarding {
    /// Somebody asks already.
    Joins(watch::Receiver<Landed>),
    /// Nobody does: whoever gets this asks, and says what came of it.
    Asks(watch::Sender<Landed>),
    /// Too many are on their way.
    Full,
}

impl Flights {
    pub(super) fn board(&self, key: TokenKey) -> Boarding {
        let mut running = self.running();
        // A sender that is gone will say nothing: its runtime was shut down.
        let flies = |flight: &&watch::Receiver<Landed>| flight.has_changed().is_ok();
        if let Some(flight) = running.get(&key).filter(flies) {
            return Boarding::Joins(flight.clone());
        }
        if running.len() >= MOST {
            running.retain(|_, flight| flight.has_changed().is_ok());
            if running.len() >= MOST {
                return Boarding::Full;
            }
        }
        let (landing, flight) = watch::channel(None);
        running.insert(key, flight);
        Boarding::Asks(landing)
    }

    /// The question about this token is over.
    pub(super) fn land(&self, key: &TokenKey) {
        self.running().remove(key);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TokenKey, watch::Receiver<Landed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
