//! Revoked tokens, subjects, clients and sessions, in memory.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::revocation::{Revocation, RevocationError, RevocationTarget};
use super::store::RevocationStore;
use super::watch::Watchers;
use crate::clock::Clock;
use crate::id::{ClientId, Issuer, IssuerSession, Resource, Subject, TokenId};
use crate::token::{ISSUED_AT_SKEW, Verified, since_1970};

/// How many entries fit unless a guard says otherwise.
pub(crate) const MOST_ENTRIES: usize = 100_000;

/// An entry stays at most one part in so many longer than it must.
const LONGEST_PAUSE: u32 = 64;

/// What was revoked, and who waits for it.
#[derive(Debug)]
pub(super) struct Lists {
    resource: Resource,
    clock: Arc<dyn Clock>,
    /// How long an entry can matter: the longest lifetime of a token, and what clocks may differ.
    keep: Duration,
    most: usize,
    /// How many entries there are, so that an empty list costs one load.
    count: AtomicUsize,
    taken: AtomicU64,
    entries: RwLock<Entries>,
    watchers: Watchers,
    shared: Option<Sharing>,
    is_retired: AtomicBool,
}

/// How the lists are shared.
#[derive(Clone, Debug)]
pub(crate) struct Sharing {
    pub(crate) store: Arc<dyn RevocationStore>,
    /// Whether requests go on while the store is not current.
    pub(crate) goes_on: bool,
}

#[derive(Debug)]
struct Entries {
    /// One for each issuer that the guard trusts.
    by_issuer: HashMap<Issuer, OfIssuer>,
    /// On the monotonic clock.
    forgot_at: Duration,
    /// Before that moment of the monotonic clock no entry can be dropped.
    earliest: Duration,
    /// After that no entry matters, by both clocks.
    latest: [Duration; 2],
}

#[derive(Debug, Default)]
struct OfIssuer {
    tokens: HashMap<TokenId, Entry>,
    subjects: HashMap<Subject, Entry>,
    clients: HashMap<ClientId, Entry>,
    sessions: HashMap<IssuerSession, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Since 1970: what was issued until then is revoked.
    until: Duration,
    /// By both clocks, since 1970 and on the monotonic one: a time of day that is set must not make the
    /// list forget what tokens in force it concerns.
    matters_until: [Duration; 2],
}

impl Entry {
    fn concerns(self, verified: &Verified) -> bool {
        verified.issued_at() <= self.until.saturating_add(ISSUED_AT_SKEW)
    }

    /// For how long it matters, by either clock.
    fn left(self, [today, now]: [Duration; 2]) -> Duration {
        let [day, monotonic] = self.matters_until;
        let (by_day, by_now) = (day.saturating_sub(today), monotonic.saturating_sub(now));
        by_day.max(by_now)
    }
}

impl Lists {
    pub(super) fn new(
        (resource, issuers): (Resource, Vec<Issuer>),
        clock: Arc<dyn Clock>,
        keep: Duration,
        most: usize,
        shared: Option<Sharing>,
    ) -> Self {
        let by_issuer = issuers
            .into_iter()
            .map(|issuer| (issuer, OfIssuer::default()))
            .collect();
        let entries = Entries {
            by_issuer,
            forgot_at: clock.monotonic(),
            earliest: Duration::MAX,
            latest: [Duration::ZERO; 2],
        };
        Self {
            resource,
            clock,
            keep,
            most,
            count: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            entries: RwLock::new(entries),
            watchers: Watchers::default(),
            shared,
            is_retired: AtomicBool::new(false),
        }
    }

    /// Ends all streams, and promises nothing any more.
    #[cfg(feature = "axum")]
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::SeqCst);
        self.watchers.end_all();
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::SeqCst)
    }

    pub(super) fn store(&self) -> Option<&Arc<dyn RevocationStore>> {
        self.shared.as_ref().map(|shared| &shared.store)
    }

    /// Whether it may be relied on.
    pub(super) fn is_current(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_none_or(|shared| shared.goes_on || shared.store.is_current())
    }

    /// Whether the store is current, and whether requests go on while it is not.
    pub(super) fn sharing(&self) -> Option<(bool, bool)> {
        let shared = self.shared.as_ref();
        shared.map(|shared| (shared.store.is_current(), shared.goes_on))
    }

    /// How many revocations were taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether an entry concerns the token of which this is the content.
    pub(super) fn concern(&self, verified: &Verified) -> bool {
        if self.len() == 0 {
            return false;
        }
        let principal = verified.principal();
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let Some(of) = entries.by_issuer.get(&principal.issuer) else {
            return false;
        };
        let concerns = |entry: &Entry| entry.concerns(verified);
        let (id, session) = (verified.token_id(), verified.session());
        id.is_some_and(|id| of.tokens.contains_key(id))
            || of.subjects.get(&principal.subject).is_some_and(concerns)
            || of.clients.get(&principal.client).is_some_and(concerns)
            || session.is_some_and(|session| of.sessions.contains_key(session))
    }

    /// Whether an entry can still concern a token. One that cannot stays until another one comes.
    #[cfg(feature = "axum")]
    pub(super) fn still_matter(&self) -> bool {
        if self.len() == 0 {
            return false;
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let [day, monotonic] = entries.latest;
        since_1970(self.clock.now()) <= day || self.clock.monotonic() <= monotonic
    }

    /// For how long an entry of this moment matters.
    pub(super) const fn keeps_for(&self) -> Duration {
        self.keep
    }

    /// For how long an entry matters from now on.
    pub(super) fn matters_for(&self, revocation: &Revocation) -> Duration {
        let today = self.clock.now();
        let until = since_1970(revocation.until.unwrap_or(today));
        let for_those = until.saturating_add(self.keep);
        for_those.saturating_sub(since_1970(today))
    }

    /// All entries that still matter, and for how long.
    pub(super) fn held(&self) -> Vec<(Revocation, Duration)> {
        let clocks = [since_1970(self.clock.now()), self.clock.monotonic()];
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::with_capacity(entries.len());
        for (issuer, of) in &entries.by_issuer {
            of.each(|target, entry| {
                let left = entry.left(clocks);
                if !left.is_zero() {
                    let revocation = Revocation {
                        issuer: issuer.clone(),
                        target,
                        until: Some(moment(entry.until)),
                        resource: Some(self.resource.clone()),
                    };
                    all.push((revocation, left));
                }
            });
        }
        all
    }

    /// Takes an entry, and ends the streams that it concerns. It gives it back with the moment and the
    /// resource that it means.
    pub(super) fn add(&self, mut revocation: Revocation) -> Result<Revocation, RevocationError> {
        if *revocation
            .resource
            .get_or_insert_with(|| self.resource.clone())
            != self.resource
        {
            return Err(RevocationError::OtherResource);
        }
        let today = self.clock.now();
        let until = since_1970(*revocation.until.get_or_insert(today));
        let clocks = [since_1970(today), self.clock.monotonic()];
        // Tokens that will be issued until a moment to come live on after that.
        let [today, _] = clocks;
        let matters_for = until.saturating_sub(today).saturating_add(self.keep);
        let entry = Entry {
            until,
            matters_until: clocks.map(|now| now.saturating_add(matters_for)),
        };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.forget(clocks, self);
        let is_full = entries.len() >= self.most;
        let of = entries.by_issuer.get_mut(&revocation.issuer);
        let of = of.ok_or(RevocationError::UnknownIssuer)?;
        match &revocation.target {
            RevocationTarget::OneToken(id) => put(&mut of.tokens, id, entry, is_full),
            RevocationTarget::AllOfSubject(subject) => {
                put(&mut of.subjects, subject, entry, is_full)
            }
            RevocationTarget::AllOfClient(client) => put(&mut of.clients, client, entry, is_full),
            RevocationTarget::AllOfSession(session) => {
                put(&mut of.sessions, session, entry, is_full)
            }
        }?;
        let [day, monotonic] = entry.matters_until;
        entries.earliest = entries.earliest.min(monotonic);
        let [latest_day, latest] = entries.latest;
        entries.latest = [latest_day.max(day), latest.max(monotonic)];
        self.count.store(entries.len(), Ordering::Release);
        self.taken.fetch_add(1, Ordering::Relaxed);
        drop(entries);
        self.watchers
            .revoked(&revocation, |verified| self.concern(verified));
        Ok(revocation)
    }
}

/// The moment that lies so long after 1970.
fn moment(since_1970: Duration) -> DateTime<Utc> {
    let after = TimeDelta::from_std(since_1970).unwrap_or(TimeDelta::MAX);
    let moment = DateTime::UNIX_EPOCH.checked_add_signed(after);
    moment.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn put<K: Hash + Eq + Clone>(
    list: &mut HashMap<K, Entry>,
    key: &K,
    entry: Entry,
    is_full: bool,
) -> Result<(), RevocationError> {
    match list.get_mut(key) {
        Some(known) => {
            // A time of day that was set back must not weaken an entry.
            known.until = known.until.max(entry.until);
            let [day, monotonic] = known.matters_until;
            let [new_day, new_monotonic] = entry.matters_until;
            known.matters_until = [day.max(new_day), monotonic.max(new_monotonic)];
        }
        None if is_full => return Err(RevocationError::Full),
        None => {
            list.insert(key.clone(), entry);
        }
    }
    Ok(())
}

impl OfIssuer {
    fn len(&self) -> usize {
        let (named, all) = (self.tokens.len(), self.subjects.len());
        let (clients, sessions) = (self.clients.len(), self.sessions.len());
        [named, all, clients, sessions].iter().sum()
    }

    fn each(&self, mut take: impl FnMut(RevocationTarget, &Entry)) {
        for (id, entry) in &self.tokens {
            take(RevocationTarget::OneToken(id.clone()), entry);
        }
        for (subject, entry) in &self.subjects {
            take(RevocationTarget::AllOfSubject(subject.clone()), entry);
        }
        for (client, entry) in &self.clients {
            take(RevocationTarget::AllOfClient(client.clone()), entry);
        }
        for (session, entry) in &self.sessions {
            take(RevocationTarget::AllOfSession(session.clone()), entry);
        }
    }

    fn retain(&mut self, mut matters: impl FnMut(&Entry) -> bool) {
        self.tokens.retain(|_, entry| matters(entry));
        self.subjects.retain(|_, entry| matters(entry));
        self.clients.retain(|_, entry| matters(entry));
        self.sessions.retain(|_, entry| matters(entry));
    }
}

impl Entries {
    fn len(&self) -> usize {
        self.by_issuer.values().map(OfIssuer::len).sum()
    }

    /// Drops the entries that no token in force can concern: now and then, and before the list is
    /// called full.
    fn forget(&mut self, [today, now]: [Duration; 2], lists: &Lists) {
        let pause = lists.keep.checked_div(LONGEST_PAUSE).unwrap_or_default();
        let is_due = now.saturating_sub(self.forgot_at) >= pause;
        // A full list is not looked through again and again for nothing.
        let helps = self.len() >= lists.most && now > self.earliest;
        if !(is_due || helps) {
            return;
        }
        self.forgot_at = now;
        let mut earliest = Duration::MAX;
        for of_issuer in self.by_issuer.values_mut() {
            of_issuer.retain(|entry| {
                let [day, monotonic] = entry.matters_until;
                let matters = today <= day || now <= monotonic;
                if matters {
                    // Whichever comes last; of the day nobody knows when it comes.
                    earliest = earliest.min(monotonic.max(now));
                }
                matters
            });
        }
        self.earliest = earliest;
        lists.count.store(self.len(), Ordering::Release);
    }
}
