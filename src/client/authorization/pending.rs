//! Requests that are awaited by a server, or over its restart.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::super::shared::Client;
use super::super::tokens::TokenSet;
use super::request::LIFETIME;
use super::{AuthorizationError, AwaitingRedirect, PendingKey, Redirect, pkce};

/// What a store answers.
type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, PendingError>> + Send + 'a>>;

/// The most requests that are kept in memory.
const MOST: usize = 10_000;

/// Keeps what waits for redirects, encrypted, each under the state of its request.
///
/// [`take`](Self::take) gives what is kept and removes it, in one step: of two redirects with one state, one
/// finds nothing.
pub trait PendingStore: fmt::Debug + Send + Sync {
    /// Keeps `sealed` until it is taken, or `expires_at` has come.
    fn put<'a>(
        &'a self,
        state: &'a str,
        sealed: Box<[u8]>,
        expires_at: DateTime<Utc>,
    ) -> Stored<'a, ()>;

    /// Removes what is kept under `state`, and gives it. What has expired may be gone.
    fn take<'a>(&'a self, state: &'a str, now: DateTime<Utc>) -> Stored<'a, Option<Box<[u8]>>>;
}

/// A store failed, or is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of what waits for redirects failed")]
#[expect(
    clippy::exhaustive_structs,
    reason = "stores make it, and there is nothing to add"
)]
pub struct PendingError;

/// Keeps up to 10 000 requests in memory.
#[derive(Default)]
pub struct MemoryPendingStore(Mutex<HashMap<Box<str>, Kept>>);

/// What is kept, and until when.
type Kept = (Box<[u8]>, DateTime<Utc>);

/// Requests of one client that wait for their redirects: those of many browsers, or of a process that may
/// be another one when the answer comes.
///
/// Each is encrypted with AES-256-GCM, bound to the session of the browser that was sent away, and taken
/// out of its store by the redirect that answers it.
///
/// # Proves
/// The tokens that [`redirected`](Self::redirected) gives answer a request that was kept for this very
/// session, and for the first time.
pub struct Pending {
    client: Client,
    key: PendingKey,
    store: Arc<dyn PendingStore>,
}

impl Pending {
    /// Keeps the requests of `client` in `store`.
    pub fn new(client: &Client, key: PendingKey, store: Arc<dyn PendingStore>) -> Self {
        let client = client.clone();
        Self { client, key, store }
    }

    /// Keeps a request, and gives the URL to send the browser to.
    ///
    /// `session` is a secret of that browser's session, for instance the value of its cookie.
    ///
    /// # Errors
    /// [`AuthorizationError::Store`]
    pub async fn keep(
        &self,
        awaiting: AwaitingRedirect,
        session: &str,
    ) -> Result<String, AuthorizationError> {
        let sealed = awaiting.sealed(&self.key, session);
        let sealed = sealed.ok_or(AuthorizationError::Store)?;
        let put = self.store.put(&awaiting.state, sealed, awaiting.expires_at);
        put.await.ok().ok_or(AuthorizationError::Store)?;
        Ok(awaiting.url)
    }

    /// Takes the request out that this redirect answers, and goes on as
    /// [`AwaitingRedirect::redirected`] does.
    ///
    /// # Errors
    /// [`AuthorizationError`]
    pub async fn redirected(
        &self,
        redirect: &Redirect,
        session: &str,
    ) -> Result<TokenSet, AuthorizationError> {
        let awaiting = self.taken(redirect, session).await?;
        awaiting.redirected(redirect).await
    }

    async fn taken(
        &self,
        redirect: &Redirect,
        session: &str,
    ) -> Result<AwaitingRedirect, AuthorizationError> {
        let said = redirect.parameters()?;
        let state = said.state()?.ok_or(AuthorizationError::StateMissing)?;
        // A store is asked for nothing that was not made here.
        let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if state.len() != pkce::RANDOM_LENGTH || !state.bytes().all(is_ours) {
            return Err(AuthorizationError::UnknownState);
        }
        let taken = self.store.take(state, self.client.now()).await;
        let sealed = taken.ok().ok_or(AuthorizationError::Store)?;
        let context = (state, session);
        sealed
            .and_then(|sealed| AwaitingRedirect::opened(&self.client, &self.key, context, &sealed))
            .ok_or(AuthorizationError::UnknownState)
    }
}

impl PendingStore for MemoryPendingStore {
    fn put<'a>(
        &'a self,
        state: &'a str,
        sealed: Box<[u8]>,
        expires_at: DateTime<Utc>,
    ) -> Stored<'a, ()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody comes back for those that are over, so they go before a newcomer is turned away.
        if kept.len() >= MOST
            && let Some(now) = expires_at.checked_sub_signed(LIFETIME)
        {
            kept.retain(|_, (_, expires_at)| now < *expires_at);
        }
        let is_full = kept.len() >= MOST;
        if !is_full {
            kept.insert(state.into(), (sealed, expires_at));
        }
        Box::pin(ready(if is_full { Err(PendingError) } else { Ok(()) }))
    }

    fn take<'a>(&'a self, state: &'a str, now: DateTime<Utc>) -> Stored<'a, Option<Box<[u8]>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, expires_at)| now < *expires_at);
        let taken = kept.remove(state).map(|(sealed, _)| sealed);
        Box::pin(ready(Ok(taken)))
    }
}

impl fmt::Debug for MemoryPendingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPendingStore").finish_non_exhaustive()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("client", &self.client)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
