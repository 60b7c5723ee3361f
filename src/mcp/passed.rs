//! What an authorization layer tells an adapter behind it about the request, and hears from it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::policy::Rules;
use crate::refusal::Refusal;
use crate::scope::Clause;

/// A request that the layer let pass. The layer and whoever stands behind share it.
#[derive(Debug)]
pub(crate) struct Passed {
    rules: Arc<Rules>,
    late: Mutex<Late>,
}

/// What handlers asked for beyond the policy.
#[derive(Debug, Default)]
struct Late {
    /// Refusals, by the error that the handler was told.
    noted: Vec<(Value, Refusal)>,
    /// The one of them that became the answer.
    answer: Option<usize>,
    /// What proofs were made of, where somebody will want to know.
    proven: Vec<Clause>,
}

/// A handler that goes on asking for ever more is told so, and no more is noted.
const MOST: usize = 16;

impl Passed {
    pub(crate) fn new(rules: &Arc<Rules>) -> Self {
        Self {
            rules: Arc::clone(rules),
            late: Mutex::default(),
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A handler was refused, and told so with `error`.
    pub(crate) fn note(&self, error: Value, refusal: Refusal) {
        let mut late = self.late();
        let is_known = late.noted.iter().any(|(noted, _)| *noted == error);
        if !is_known && late.noted.len() < MOST {
            late.noted.push((error, refusal));
        }
    }

    /// The request is answered with `error`, or with a result: if the error is one that a refused
    /// handler was told, it is the layer's to answer. Whoever stands further outside has the last word.
    pub(crate) fn answers(&self, error: Option<&Value>) {
        let mut late = self.late();
        let at = error.and_then(|error| late.noted.iter().position(|(noted, _)| noted == error));
        late.answer = at;
    }

    /// The refusal that became the answer.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let mut late = self.late();
        let at = late.answer.take()?;
        Some(late.noted.swap_remove(at).1)
    }

    /// A handler has a proof, and this is what it was made of. It is kept where tasks are open: whoever
    /// asks for a task needs what the call that made it needed.
    pub(crate) fn proven(&self, clauses: impl FnOnce(&mut Vec<Clause>)) {
        if self.rules.tasks.is_some() {
            let mut late = self.late();
            clauses(&mut late.proven);
            late.proven.sort_unstable();
            late.proven.dedup();
        }
    }

    /// What the call needed so far, as its handlers asked for it.
    pub(crate) fn needed(&self) -> Vec<Clause> {
        self.late().proven.clone()
    }

    fn late(&self) -> MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
