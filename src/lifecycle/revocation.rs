//! Revoked tokens and subjects, in memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;
use crate::id::{Issuer, Subject, TokenId};
use crate::token::{AudienceVerified, ISSUED_AT_SKEW, Live, Token};

/// How many entries fit unless a guard says otherwise.
pub(crate) const MOST_ENTRIES: usize = 100_000;

/// An entry stays at most one part in so many longer than it must.
const LONGEST_PAUSE: i32 = 64;

/// What was revoked, on this machine.
///
/// A token is revoked by its `jti`, or with all others of its subject that were issued before a
/// moment. An entry stays until no token that it concerns can be in force any more, which the
/// guard's longest lifetime bounds. When the list is full it takes no new entry, and says so:
/// forgetting an old one would bring a revoked token back to life.
///
/// It is cheap to clone, and clones are the same list. Get it from
/// [`Guard::revocations`](crate::Guard::revocations).
#[derive(Clone, Debug)]
pub struct Revocations(Arc<Lists>);

#[derive(Debug)]
struct Lists {
    clock: Arc<dyn Clock>,
    /// How long an entry can matter: the longest lifetime of a token, and the leeway.
    keep: TimeDelta,
    most: usize,
    /// How many entries there are, so that an empty list costs one load.
    count: AtomicUsize,
    entries: RwLock<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_issuer: HashMap<Issuer, OfIssuer>,
    forgot_at: Option<DateTime<Utc>>,
}

/// When what was revoked.
#[derive(Debug, Default)]
struct OfIssuer {
    tokens: HashMap<TokenId, DateTime<Utc>>,
    subjects: HashMap<Subject, DateTime<Utc>>,
}

/// The entry was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The list is full. Nothing was forgotten, and this entry was not added.
    #[error("the list of revocations is full")]
    Full,
}

/// The token was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revoked;

impl Revocations {
    pub(crate) fn new(clock: Arc<dyn Clock>, keep: TimeDelta, most: usize) -> Self {
        let (count, entries) = (AtomicUsize::new(0), RwLock::default());
        Self(Arc::new(Lists {
            clock,
            keep,
            most,
            count,
            entries,
        }))
    }

    /// Revokes one token, by its issuer and `jti`. It is refused as soon as this returns.
    ///
    /// # Errors
    /// [`RevocationError::Full`].
    pub fn revoke_token(&self, issuer: &Issuer, id: &TokenId) -> Result<(), RevocationError> {
        self.add(issuer, |entries| &mut entries.tokens, id)
    }

    /// Revokes all tokens of a subject that were issued until now, all clients included.
    ///
    /// Tokens that say they were issued up to 10 seconds from now count as well, because the
    /// issuer's clock may be ahead.
    ///
    /// # Errors
    /// [`RevocationError::Full`].
    pub fn revoke_subject(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<(), RevocationError> {
        self.add(issuer, |entries| &mut entries.subjects, subject)
    }

    /// How many entries the list holds.
    pub fn len(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says that `token` is not revoked.
    pub(crate) fn attest(
        &self,
        token: Token<AudienceVerified>,
    ) -> Result<Live<Token<AudienceVerified>>, Revoked> {
        if !self.is_empty() && self.concerns(&token) {
            return Err(Revoked);
        }
        Ok(Live::attest(token))
    }

    fn concerns(&self, token: &Token<AudienceVerified>) -> bool {
        let verified = token.verified();
        let principal = verified.principal();
        let entries = self
            .0
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(of_issuer) = entries.by_issuer.get(&principal.issuer) else {
            return false;
        };
        let by_id = verified
            .token_id()
            .is_some_and(|id| of_issuer.tokens.contains_key(id));
        by_id
            || of_issuer
                .subjects
                .get(&principal.subject)
                .is_some_and(|&since| {
                    let until = since.checked_add_signed(ISSUED_AT_SKEW);
                    until.is_none_or(|until| verified.issued_at() <= until)
                })
    }

    fn add<K: Hash + Eq + Clone>(
        &self,
        issuer: &Issuer,
        list: impl Fn(&mut OfIssuer) -> &mut HashMap<K, DateTime<Utc>>,
        key: &K,
    ) -> Result<(), RevocationError> {
        let now = self.0.clock.now();
        let mut entries = self
            .0
            .entries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        entries.forget(now, &self.0);
        let full = entries.len() >= self.0.most;
        let list = list(entries.by_issuer.entry(issuer.clone()).or_default());
        let outcome = match list.get_mut(key) {
            Some(since) => {
                // A clock that was set back must not weaken an entry.
                *since = (*since).max(now);
                Ok(())
            }
            None if full => Err(RevocationError::Full),
            None => {
                list.insert(key.clone(), now);
                Ok(())
            }
        };
        self.0.count.store(entries.len(), Ordering::Release);
        outcome
    }
}

impl Entries {
    fn len(&self) -> usize {
        let of_issuer = |of: &OfIssuer| of.tokens.len().saturating_add(of.subjects.len());
        self.by_issuer.values().map(of_issuer).sum()
    }

    /// Drops the entries that no token in force can concern: now and then, and before the list is
    /// called full.
    fn forget(&mut self, now: DateTime<Utc>, lists: &Lists) {
        let pause = lists.keep.checked_div(LONGEST_PAUSE).unwrap_or(lists.keep);
        let rested = |at| now.signed_duration_since(at).abs() >= pause;
        let due = self.forgot_at.is_none_or(rested) || self.len() >= lists.most;
        let Some(oldest) = now.checked_sub_signed(lists.keep).filter(|_| due) else {
            return;
        };
        self.forgot_at = Some(now);
        for of_issuer in self.by_issuer.values_mut() {
            of_issuer.tokens.retain(|_, since| *since >= oldest);
            of_issuer.subjects.retain(|_, since| *since >= oldest);
        }
        self.by_issuer
            .retain(|_, of| !of.tokens.is_empty() || !of.subjects.is_empty());
    }
}
