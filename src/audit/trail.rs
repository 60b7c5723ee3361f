//! What is known of a request by whoever writes it down.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::event::Asked;
#[cfg(feature = "axum")]
use super::text;
use crate::id::CorrelationId;

/// One request, from the first look at it on.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    pub(super) correlation: CorrelationId,
    /// On the monotonic clock, in nanoseconds: of these there are a few hundred years.
    begun: u64,
    pub(super) from_cache: bool,
    /// What it asks for; nothing where nobody writes it down.
    asked: Option<Arc<Mutex<Asked>>>,
}

impl Trail {
    /// `is_told` says whether anybody tells what is asked for, and anybody writes it down.
    pub(crate) fn new(correlation: CorrelationId, begun: Duration, is_told: bool) -> Self {
        Self {
            correlation,
            begun: u64::try_from(begun.as_nanos()).unwrap_or(u64::MAX),
            from_cache: false,
            asked: is_told.then(Arc::default),
        }
    }

    /// The token was verified before.
    pub(crate) const fn was_known(&mut self) {
        self.from_cache = true;
    }

    pub(crate) const fn is_known(&self) -> bool {
        self.from_cache
    }

    /// When the request was first looked at, on the monotonic clock.
    pub(crate) const fn begun(&self) -> Duration {
        Duration::from_nanos(self.begun)
    }

    pub(crate) const fn correlation(&self) -> CorrelationId {
        self.correlation
    }

    /// Whether anybody writes down what is asked for.
    #[cfg(feature = "axum")]
    pub(crate) const fn is_written_down(&self) -> bool {
        self.asked.is_some()
    }

    /// What the request asks for: a method, and the tool, prompt, resource or task.
    #[cfg(feature = "axum")]
    pub(crate) fn asks(&self, method: &str, target: Option<&str>) {
        if let Some(asked) = &self.asked {
            *asked.lock().unwrap_or_else(PoisonError::into_inner) = Asked {
                method: Some(text::word(method).into()),
                target: target.map(|target| text::name(target).into()),
            };
        }
    }

    pub(super) fn asked(&self) -> Asked {
        let asked = self.asked.as_ref();
        asked.map_or_else(Asked::default, |asked| {
            asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }
}
