//! Callers' tokens, kept to be exchanged at their own issuer.

use std::sync::Arc;

use super::builder::GuardBuilder;
use super::{Guard, Inner};
use crate::clock::Clock;
use crate::id::Issuer;
use crate::lifecycle::NotLive;
use crate::scope::Vocabulary;
use crate::token::Verified;

impl<V: Vocabulary, St> GuardBuilder<V, St> {
    /// Keeps each caller's token for as long as the proofs of its request live, so that a
    /// [`client::Exchange`](crate::client::Exchange) can change it into a token for another service, on behalf
    /// of the caller.
    ///
    /// Nobody can read it: it goes to the token endpoint of the issuer that has issued it, and nowhere else.
    /// Unless this is said, a guard forgets the text of a token as soon as it has looked at it.
    pub const fn keep_tokens_for_exchange(mut self) -> Self {
        self.settings.keeps_tokens = true;
        self
    }
}

/// A guard, as whoever exchanges its callers' tokens sees it.
#[derive(Clone)]
pub(crate) struct ExchangeSource(Arc<Inner>);

/// How it is with the token of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    InForce,
    Over,
    /// What other machines have revoked is not known at the moment.
    Unknown,
}

impl ExchangeSource {
    /// Nothing if the guard keeps no tokens.
    pub(crate) fn of<V>(guard: &Guard<V>) -> Option<Self> {
        let inner = guard.inner();
        inner.keeps_tokens.then(|| Self(Arc::clone(inner)))
    }

    /// Whether the guard has verified this.
    pub(crate) fn has_made(&self, verified: &Verified) -> bool {
        Arc::ptr_eq(verified.rules(), self.0.acceptance.rules())
    }

    /// Whether the token is in force still.
    pub(crate) fn standing(&self, verified: &Verified) -> Standing {
        if self.clock().now() >= verified.deadline() {
            return Standing::Over;
        }
        match self.0.revocations.check(verified) {
            Ok(()) => Standing::InForce,
            Err(NotLive::Revoked | NotLive::Retired) => Standing::Over,
            Err(NotLive::Unavailable) => Standing::Unknown,
        }
    }

    pub(crate) fn trusts(&self, issuer: &Issuer) -> bool {
        let rules = &self.0.acceptance.rules().issuers;
        rules.iter().any(|rules| rules.issuer == *issuer)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.acceptance.rules().clock
    }
}
