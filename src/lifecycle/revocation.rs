//! Revoked tokens and subjects, in memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

#[cfg(feature = "axum")]
use super::watch::Watchers;
use crate::clock::Clock;
use crate::id::{Issuer, Subject, TokenId};
use crate::token::{AudienceVerified, ISSUED_AT_SKEW, Live, Token, Verified, since_1970};

/// How many entries fit unless a guard says otherwise.
pub(crate) const MOST_ENTRIES: usize = 100_000;

/// An entry stays at most one part in so many longer than it must.
const LONGEST_PAUSE: u32 = 64;

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
    /// How long an entry can matter: the longest lifetime of a token, and what clocks may differ.
    keep: Duration,
    most: usize,
    /// How many entries there are, so that an empty list costs one load.
    count: AtomicUsize,
    entries: RwLock<Entries>,
    #[cfg(feature = "axum")]
    watchers: Watchers,
}

#[derive(Debug)]
struct Entries {
    /// One for each issuer that the guard trusts.
    by_issuer: HashMap<Issuer, OfIssuer>,
    /// On the monotonic clock.
    forgot_at: Duration,
}

#[derive(Debug, Default)]
struct OfIssuer {
    tokens: HashMap<TokenId, Revocation>,
    subjects: HashMap<Subject, Revocation>,
}

#[derive(Clone, Copy, Debug)]
struct Revocation {
    /// The time of day, since 1970: what was issued until then is revoked.
    since: Duration,
    /// On the monotonic clock: a time of day that is set forward and back again must not make the
    /// list forget.
    added_at: Duration,
}

/// The entry was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The list is full. Nothing was forgotten, and this entry was not added.
    #[error("the list of revocations is full")]
    Full,
    /// The guard does not trust this issuer, so there is nothing to revoke. Issuers are compared as
    /// text.
    #[error("the guard does not trust this issuer")]
    UnknownIssuer,
}

/// The token was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revoked;

impl Revocations {
    pub(crate) fn new(
        issuers: Vec<Issuer>,
        clock: Arc<dyn Clock>,
        keep: Duration,
        most: usize,
    ) -> Self {
        let by_issuer = issuers
            .into_iter()
            .map(|issuer| (issuer, OfIssuer::default()))
            .collect();
        let entries = Entries {
            by_issuer,
            forgot_at: clock.monotonic(),
        };
        let (count, entries) = (AtomicUsize::new(0), RwLock::new(entries));
        Self(Arc::new(Lists {
            clock,
            keep,
            most,
            count,
            entries,
            #[cfg(feature = "axum")]
            watchers: Watchers::default(),
        }))
    }

    /// Revokes one token, by its issuer and `jti`. It is refused as soon as this returns.
    ///
    /// # Errors
    /// [`RevocationError`], and then nothing has changed.
    pub fn revoke_token(&self, issuer: &Issuer, id: &TokenId) -> Result<(), RevocationError> {
        self.add(issuer, |entries| &mut entries.tokens, id)?;
        #[cfg(feature = "axum")]
        self.watchers()
            .token_revoked(issuer, id, |verified| self.is_revoked(verified));
        Ok(())
    }

    /// Revokes all tokens of a subject that were issued until now, all clients included.
    ///
    /// Tokens that say they were issued up to 10 seconds from now count as well, because the
    /// issuer's clock may be ahead.
    ///
    /// # Errors
    /// [`RevocationError`], and then nothing has changed.
    pub fn revoke_subject(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<(), RevocationError> {
        self.add(issuer, |entries| &mut entries.subjects, subject)?;
        #[cfg(feature = "axum")]
        self.watchers()
            .subject_revoked(issuer, subject, |verified| self.is_revoked(verified));
        Ok(())
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
        if self.is_revoked(token.verified()) {
            return Err(Revoked);
        }
        Ok(Live::attest(token))
    }

    /// Whether an entry concerns the token of which this is the content.
    pub(crate) fn is_revoked(&self, verified: &Verified) -> bool {
        !self.is_empty() && self.concerns(verified)
    }

    #[cfg(feature = "axum")]
    pub(super) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    fn concerns(&self, verified: &Verified) -> bool {
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
                .is_some_and(|revocation| {
                    verified.issued_at() <= revocation.since.saturating_add(ISSUED_AT_SKEW)
                })
    }

    fn add<K: Hash + Eq + Clone>(
        &self,
        issuer: &Issuer,
        list: impl Fn(&mut OfIssuer) -> &mut HashMap<K, Revocation>,
        key: &K,
    ) -> Result<(), RevocationError> {
        let since = since_1970(self.0.clock.now());
        let added_at = self.0.clock.monotonic();
        let mut entries = self
            .0
            .entries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        entries.forget(added_at, &self.0);
        let full = entries.len() >= self.0.most;
        let of_issuer = entries
            .by_issuer
            .get_mut(issuer)
            .ok_or(RevocationError::UnknownIssuer)?;
        let list = list(of_issuer);
        match list.get_mut(key) {
            Some(known) => {
                // A time of day that was set back must not weaken an entry.
                *known = Revocation {
                    since: known.since.max(since),
                    added_at,
                };
            }
            None if full => return Err(RevocationError::Full),
            None => {
                list.insert(key.clone(), Revocation { since, added_at });
            }
        }
        self.0.count.store(entries.len(), Ordering::Release);
        Ok(())
    }
}

impl Entries {
    fn len(&self) -> usize {
        let of_issuer = |of: &OfIssuer| of.tokens.len().saturating_add(of.subjects.len());
        self.by_issuer.values().map(of_issuer).sum()
    }

    /// Drops the entries that no token in force can concern: now and then, and before the list is
    /// called full.
    fn forget(&mut self, now: Duration, lists: &Lists) {
        let pause = lists.keep.checked_div(LONGEST_PAUSE).unwrap_or_default();
        let due = now.saturating_sub(self.forgot_at) >= pause || self.len() >= lists.most;
        if !due {
            return;
        }
        self.forgot_at = now;
        let matters =
            |revocation: &Revocation| now.saturating_sub(revocation.added_at) <= lists.keep;
        for of_issuer in self.by_issuer.values_mut() {
            of_issuer.tokens.retain(|_, revocation| matters(revocation));
            of_issuer
                .subjects
                .retain(|_, revocation| matters(revocation));
        }
        lists.count.store(self.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::ManualClock;

    const KEEP: Duration = Duration::from_hours(1);

    fn list(most: usize) -> (Revocations, ManualClock, Issuer) {
        let clock = ManualClock::at_fixed_start();
        let issuer: Issuer = "https://as.example".parse().unwrap();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let list = Revocations::new(vec![issuer.clone()], shared, KEEP, most);
        (list, clock, issuer)
    }

    #[test]
    fn a_full_list_forgets_only_what_cannot_matter() {
        let (list, clock, issuer) = list(2);
        let revoke = |name: &str| list.revoke_token(&issuer, &TokenId::new(name));
        assert_eq!(revoke("a"), Ok(()));
        clock.advance(TimeDelta::minutes(30));
        assert_eq!(list.revoke_subject(&issuer, &Subject::new("s")), Ok(()));
        assert_eq!(revoke("b"), Err(RevocationError::Full));
        // What is there may be said again, and stays for as long as from now.
        assert_eq!(list.revoke_subject(&issuer, &Subject::new("s")), Ok(()));
        clock.advance(TimeDelta::minutes(30));
        assert_eq!(revoke("b"), Err(RevocationError::Full));
        clock.advance(TimeDelta::nanoseconds(1));
        assert_eq!(revoke("b"), Ok(()));
        assert_eq!((list.len(), list.is_empty()), (2, false));
        assert_eq!(revoke("a"), Err(RevocationError::Full));
        clock.advance(TimeDelta::minutes(30));
        assert_eq!(revoke("a"), Ok(()));
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn clocks_that_are_set_weaken_nothing() {
        let (list, clock, issuer) = list(1);
        let (start, subject) = (clock.now(), Subject::new("s"));
        assert_eq!(list.revoke_subject(&issuer, &subject), Ok(()));
        clock.set(start - TimeDelta::minutes(50));
        assert_eq!(list.revoke_subject(&issuer, &subject), Ok(()));
        let entries = list.0.entries.read().unwrap();
        assert_eq!(
            entries.by_issuer[&issuer].subjects[&subject].since,
            since_1970(start)
        );
    }

    #[test]
    fn an_issuer_that_is_not_trusted_takes_no_place() {
        let (list, _, _) = list(1);
        let other = "https://as.example/".parse().unwrap();
        let taken = list.revoke_token(&other, &TokenId::new("a"));
        assert_eq!(taken, Err(RevocationError::UnknownIssuer));
        assert!(list.is_empty());
    }
}
