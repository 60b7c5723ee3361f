//! Streams that are told when their token is revoked.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::revocation::{Revocation, RevocationTarget, Revocations};
use crate::clock::WakeUp;
use crate::id::{Issuer, Subject, TokenId};
use crate::token::{Ends, Verified};

/// Who waits for the end of a token, by what it can be revoked by.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    next: AtomicU64,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    by_subject: Table<Subject>,
    by_token: Table<TokenId>,
}

type Table<K> = HashMap<(Issuer, K), HashMap<u64, Arc<Watcher>>>;

/// One who waits.
struct Watcher {
    verified: Arc<Verified>,
    is_revoked: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher(..)")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watcher {
    fn end(&self) {
        self.is_revoked.store(true, Ordering::Release);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Watchers {
    /// Wakes those whose token is concerned by what was revoked.
    pub(super) fn revoked(&self, of: &Revocation, concerns: impl Fn(&Verified) -> bool) {
        let issuer = || of.issuer().clone();
        let tables = lock(&self.tables);
        let ended: Vec<_> = match of.target() {
            RevocationTarget::OneToken(id) => {
                ended(tables.by_token.get(&(issuer(), id.clone())), concerns)
            }
            RevocationTarget::AllOfSubject(subject) => {
                let of_subject = tables.by_subject.get(&(issuer(), subject.clone()));
                ended(of_subject, concerns)
            }
            // Rare, so nobody keeps tables for it.
            RevocationTarget::AllOfClient(_) | RevocationTarget::AllOfSession(_) => {
                ended(tables.by_subject.values(), concerns)
            }
        };
        // Who is woken may let go of its watcher at once.
        drop(tables);
        for watcher in ended {
            watcher.end();
        }
    }

    #[cfg(feature = "axum")]
    pub(super) fn are_none(&self) -> bool {
        lock(&self.tables).by_subject.is_empty()
    }

    /// Wakes all of them for good.
    #[cfg(feature = "axum")]
    pub(super) fn end_all(&self) {
        let all = ended(lock(&self.tables).by_subject.values(), |_| true);
        for watcher in all {
            watcher.end();
        }
    }

    fn add(&self, number: u64, watcher: &Arc<Watcher>) {
        let (subject, id) = keys(&watcher.verified);
        let mut tables = lock(&self.tables);
        let of_subject = tables.by_subject.entry(subject).or_default();
        of_subject.insert(number, Arc::clone(watcher));
        if let Some(id) = id {
            let of_token = tables.by_token.entry(id).or_default();
            of_token.insert(number, Arc::clone(watcher));
        }
    }

    fn remove(&self, number: u64, verified: &Verified) {
        let (subject, id) = keys(verified);
        let mut tables = lock(&self.tables);
        take(&mut tables.by_subject, &subject, number);
        if let Some(id) = id {
            take(&mut tables.by_token, &id, number);
        }
    }
}

/// Those among them whose token is concerned.
fn ended<'t, I>(among: I, concerns: impl Fn(&Verified) -> bool) -> Vec<Arc<Watcher>>
where
    I: IntoIterator<Item = &'t HashMap<u64, Arc<Watcher>>>,
{
    let all = among.into_iter().flat_map(HashMap::values);
    all.filter(|watcher| concerns(&watcher.verified))
        .cloned()
        .collect()
}

/// What a token can be revoked by.
fn keys(verified: &Verified) -> ((Issuer, Subject), Option<(Issuer, TokenId)>) {
    let principal = verified.principal();
    let of = |id: &TokenId| (principal.issuer.clone(), id.clone());
    let subject = (principal.issuer.clone(), principal.subject.clone());
    (subject, verified.token_id().map(of))
}

fn take<K: Hash + Eq>(table: &mut Table<K>, key: &(Issuer, K), number: u64) {
    let Some(of_key) = table.get_mut(key) else {
        return;
    };
    of_key.remove(&number);
    if of_key.is_empty() {
        table.remove(key);
    }
}

/// Ends when a token dies: at its deadline, or when it is revoked.
///
/// Nothing is looked at again and again: a revocation wakes those whom it concerns.
pub(super) struct Ending {
    number: u64,
    watcher: Arc<Watcher>,
    revocations: Revocations,
    deadline: WakeUp,
}

impl Ending {
    fn of(verified: &Arc<Verified>, revocations: &Revocations) -> Self {
        let watchers = revocations.watchers();
        let number = watchers.next.fetch_add(1, Ordering::Relaxed);
        let watcher = Arc::new(Watcher {
            verified: Arc::clone(verified),
            is_revoked: AtomicBool::new(false),
            waker: Mutex::new(None),
        });
        watchers.add(number, &watcher);
        // Only now: what is revoked from here on wakes it.
        if revocations.end_of_use(verified).is_some() {
            watcher.end();
        }
        Self {
            number,
            watcher,
            revocations: revocations.clone(),
            deadline: verified.rules().clock.wake_at(verified.deadline()),
        }
    }
}

impl Ends for Revocations {
    fn end_of(&self, verified: &Arc<Verified>) -> WakeUp {
        Box::pin(Ending::of(verified, self))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let watchers = self.revocations.watchers();
        watchers.remove(self.number, &self.watcher.verified);
    }
}

impl Future for Ending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = lock(&self.watcher.waker);
        if waker
            .as_ref()
            .is_none_or(|known| !known.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        drop(waker);
        if self.watcher.is_revoked.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.deadline.as_mut().poll(cx)
    }
}
