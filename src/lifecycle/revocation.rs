//! Revoked tokens and subjects, in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;
use crate::id::{Issuer, Subject, TokenId};
use crate::token::{AudienceVerified, ISSUED_AT_SKEW, Live, Token};

/// How many entries fit unless a guard says otherwise.
pub(crate) const MOST_ENTRIES: usize = 100_000;

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
    tokens: HashMap<(Issuer, TokenId), DateTime<Utc>>,
    subjects: HashMap<(Issuer, Subject), DateTime<Utc>>,
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
        self.add(
            |entries| &mut entries.tokens,
            (issuer.clone(), id.clone()),
            self.0.clock.now(),
        )
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
        let now = self.0.clock.now();
        self.add(
            |entries| &mut entries.subjects,
            (issuer.clone(), subject.clone()),
            now,
        )
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
        let issuer = &verified.principal().issuer;
        let entries = self
            .0
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let by_id = verified
            .token_id()
            .is_some_and(|id| entries.tokens.contains_key(&(issuer.clone(), id.clone())));
        let subject = (issuer.clone(), verified.principal().subject.clone());
        by_id
            || entries.subjects.get(&subject).is_some_and(|&since| {
                let until = since.checked_add_signed(ISSUED_AT_SKEW);
                until.is_none_or(|until| verified.issued_at() <= until)
            })
    }

    fn add<K: Hash + Eq>(
        &self,
        list: impl Fn(&mut Entries) -> &mut HashMap<K, DateTime<Utc>>,
        key: K,
        now: DateTime<Utc>,
    ) -> Result<(), RevocationError> {
        let mut entries = self
            .0
            .entries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.0.most {
            entries.forget_before(now.checked_sub_signed(self.0.keep));
        }
        let full = entries.len() >= self.0.most;
        match list(&mut entries).entry(key) {
            Entry::Occupied(mut entry) => {
                // A clock that was set back must not weaken an entry.
                let since = (*entry.get()).max(now);
                entry.insert(since);
            }
            Entry::Vacant(_) if full => return Err(RevocationError::Full),
            Entry::Vacant(entry) => {
                entry.insert(now);
            }
        }
        self.0.count.store(entries.len(), Ordering::Release);
        Ok(())
    }
}

impl Entries {
    fn len(&self) -> usize {
        self.tokens.len().saturating_add(self.subjects.len())
    }

    /// Drops the entries that no token in force can concern.
    fn forget_before(&mut self, oldest: Option<DateTime<Utc>>) {
        let Some(oldest) = oldest else { return };
        self.tokens.retain(|_, since| *since >= oldest);
        self.subjects.retain(|_, since| *since >= oldest);
    }
}
