//! Questions that are on their way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::super::TokenKey;
use super::asker::Unanswered;

/// The most questions that may be on their way or wait to be.
const MOST: usize = 1024;
/// How many of them an issuer is asked at one time.
const MOST_AT_ONCE: usize = 64;

/// What an issuer answered, and when it was asked, on the monotonic clock.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) text: Arc<[u8]>,
    pub(super) asked_at: Duration,
}

pub(super) type Landed = Option<Result<Answer, Unanswered>>;

/// One question for each token, however many requests come with it.
#[derive(Debug)]
pub(super) struct Flights {
    state: Mutex<State>,
    pub(super) turns: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By their numbers.
    running: HashMap<u64, Flight>,
    /// Those that others may join.
    by_token: HashMap<TokenKey, u64>,
}

#[derive(Debug)]
struct Flight {
    key: Option<TokenKey>,
    started_at: Duration,
    landed: watch::Receiver<Landed>,
}

/// What is to be done about a token.
pub(super) enum Boarding {
    /// Somebody asks already.
    Joins(watch::Receiver<Landed>),
    /// Nobody does: whoever gets this asks, and says what came of it.
    Asks {
        number: u64,
        landing: watch::Sender<Landed>,
        landed: watch::Receiver<Landed>,
    },
    /// Too many are on their way.
    Full,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            turns: Semaphore::new(MOST_AT_ONCE),
        }
    }

    /// Without a key nobody else is joined. What is older than `longest` at `now` has been given up: its
    /// runtime was shut down, or nobody drives it.
    pub(super) fn board(
        &self,
        key: Option<TokenKey>,
        now: Duration,
        longest: Duration,
    ) -> Boarding {
        let mut state = self.state();
        let flies = |flight: &Flight| {
            let is_young = now.saturating_sub(flight.started_at) <= longest;
            is_young && flight.landed.has_changed().is_ok()
        };
        let known = key.and_then(|key| state.by_token.get(&key));
        let known = known.and_then(|number| state.running.get(number));
        if let Some(flight) = known.filter(|flight| flies(flight)) {
            return Boarding::Joins(flight.landed.clone());
        }
        if state.running.len() >= MOST {
            state.running.retain(|_, flight| flies(flight));
            let State {
                running, by_token, ..
            } = &mut *state;
            by_token.retain(|_, number| running.contains_key(number));
            if state.running.len() >= MOST {
                return Boarding::Full;
            }
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        let (landing, landed) = watch::channel(None);
        let flight = Flight {
            key,
            started_at: now,
            landed: landed.clone(),
        };
        state.running.insert(number, flight);
        if let Some(key) = key {
            state.by_token.insert(key, number);
        }
        Boarding::Asks {
            number,
            landing,
            landed,
        }
    }

    /// This question is over.
    pub(super) fn land(&self, number: u64) {
        let mut state = self.state();
        let key = state.running.remove(&number).and_then(|flight| flight.key);
        if let Some(key) = key
            && state.by_token.get(&key) == Some(&number)
        {
            state.by_token.remove(&key);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
