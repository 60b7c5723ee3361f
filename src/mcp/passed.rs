//! What an authorization layer tells an adapter behind it about the request.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::policy::Rules;
use crate::refusal::Refusal;

/// A request that the layer let pass.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    rules: Arc<Rules>,
    late: Arc<Mutex<Late>>,
}

/// Refusals that handlers ran into.
#[derive(Debug, Default)]
struct Late {
    noted: Vec<(Value, Refusal)>,
    /// The one that became the answer.
    answer: Option<Refusal>,
}

/// A handler that goes on asking is told so, and no more is noted.
const MOST: usize = 16;

impl Passed {
    pub(crate) fn new(rules: &Arc<Rules>) -> Self {
        Self {
            rules: Arc::clone(rules),
            late: Arc::default(),
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A handler was refused, and told so with `error`.
    pub(crate) fn note(&self, error: Value, refusal: Refusal) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if late.noted.len() < MOST {
            late.noted.push((error, refusal));
        }
    }

    /// The request is answered with `error`: if that is one that a refused handler was told, it is the
    /// layer's to answer.
    pub(crate) fn answers(&self, error: &Value) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let at = late.noted.iter().position(|(noted, _)| noted == error);
        late.answer = at.map(|at| late.noted.swap_remove(at).1);
    }

    /// The refusal that became the answer.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.answer.take()
    }
}
