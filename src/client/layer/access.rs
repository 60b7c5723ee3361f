//! The tokens of one client, and all that it takes to have them.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Mutex as Turns;

use super::bounds::Bounds;
use super::error::AccessError;
use super::grant::Grant;
use super::held::{Came, Held, InUse, Ticket};
use super::renewal::Turn;
use super::request::Target;
use super::service::AccessLayer;
use crate::client::store::{CredentialStore, MemoryStore};
use crate::client::{Client, TokenError, TokenSet};

/// The access of one client to its endpoint: the tokens, how they are obtained, and where they are kept.
///
/// Clones are the same access; each layer that is made of one shares its tokens. A request with a token that is
/// good waits for nobody.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use clearance::client::Client;
/// use clearance::client::layer::{Access, ClientCredentials};
/// use clearance::client::store::MemoryStore;
/// use clearance::credentials::{ClientAuthentication, ClientSecret};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = ClientSecret::new("correct horse battery staple");
/// let client = Client::builder("https://mcp.example.com/mcp".parse()?)
///     .pre_registered(
///         "https://auth.example.com".parse()?,
///         ClientAuthentication::client_secret_basic("nightly-job", secret),
///     )
///     .build()?;
///
/// let access = Access::builder(client, ClientCredentials)
///     .store(Arc::new(MemoryStore::new()))
///     .build();
/// # let _ = access;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Access(Arc<Shared>);

/// What clones share.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) grant: Box<dyn Grant>,
    pub(super) store: Arc<dyn CredentialStore>,
    pub(super) steps_up: bool,
    held: ArcSwap<Held>,
    /// Whoever changes the tokens has the turn.
    pub(super) turns: Arc<Turns<Turn>>,
    /// How many turns there were that changed, or tried to change, the tokens.
    pub(super) ended: AtomicU64,
    bounds: Mutex<Bounds>,
}

/// An [`Access`] that is being set up; see [`Access::builder`].
#[derive(Debug)]
#[must_use = "there is no access before `build`"]
pub struct AccessBuilder {
    client: Client,
    grant: Box<dyn Grant>,
    store: Option<Arc<dyn CredentialStore>>,
    steps_up: bool,
}

impl Access {
    /// Begins the access of `client`, which gets its tokens by `grant`.
    pub fn builder(client: Client, grant: impl Grant + 'static) -> AccessBuilder {
        AccessBuilder {
            client,
            grant: Box::new(grant),
            store: None,
            steps_up: true,
        }
    }

    /// The layer that puts the tokens on requests.
    pub fn layer(&self) -> AccessLayer {
        AccessLayer::new(self.clone())
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Forgets what the person has refused, and how often they were asked: they themselves want to be asked
    /// again.
    pub fn ask_again(&self) {
        *self.bounds() = Bounds::default();
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    pub(super) fn bounds(&self) -> MutexGuard<'_, Bounds> {
        self.0.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request to `target` is one to the endpoint.
    pub(super) fn is_for(&self, target: Target<'_>) -> bool {
        let endpoint = self.0.client.place();
        match target {
            Target::Uri(uri) => endpoint.is_reached_by_uri(uri),
            Target::Url(url) => endpoint.is_reached_by(url),
        }
    }

    /// The same for a URL as text.
    #[cfg(feature = "rmcp-3")]
    pub(in crate::client) fn is_for_text(&self, url: &str) -> bool {
        url::Url::parse(url).is_ok_and(|url| self.is_for(Target::Url(&url)))
    }

    pub(super) fn held(&self) -> Arc<Held> {
        self.0.held.load_full()
    }

    /// What a request goes with. Nothing is waited for while the token is good.
    ///
    /// # Errors
    /// [`AccessError`] if it is over, and no new one can be had.
    pub(in crate::client) async fn ticket(&self) -> Result<Ticket, AccessError> {
        let now = self.0.client.now();
        let (ready, good, serial) = {
            let held = self.0.held.load();
            (held.ready(now), held.good(now), held.serial())
        };
        match ready {
            Some(ticket) => Ok(ticket),
            None => Box::pin(self.renewed(good, serial)).await,
        }
    }

    /// Uses these tokens from now on.
    pub(super) fn publish(&self, tokens: TokenSet, came: Came) -> Result<(), AccessError> {
        let used = InUse::new(tokens, self.next_serial(), came);
        let used = used.ok_or(TokenError::Malformed)?;
        self.0.held.store(Arc::new(Held::InUse(Box::new(used))));
        Ok(())
    }

    /// Uses none from now on.
    pub(super) fn publish_none(&self) {
        let serial = self.next_serial();
        self.0.held.store(Arc::new(Held::None { serial }));
    }

    /// Only whoever has the turn asks for it.
    fn next_serial(&self) -> u64 {
        self.0.held.load().serial().wrapping_add(1)
    }
}

impl AccessBuilder {
    /// Keeps tokens and registrations here. Default: in memory, until the process ends.
    pub fn store(mut self, store: Arc<dyn CredentialStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// When the endpoint wants more scopes, that is an error. Default: they are asked for.
    pub fn without_step_up(mut self) -> Self {
        self.steps_up = false;
        self
    }

    /// The access. Nothing is sent or read yet.
    pub fn build(self) -> Access {
        let store = self.store;
        Access(Arc::new(Shared {
            client: self.client,
            grant: self.grant,
            store: store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
            steps_up: self.steps_up,
            held: ArcSwap::from_pointee(Held::Unknown),
            turns: Arc::default(),
            ended: AtomicU64::new(0),
            bounds: Mutex::default(),
        }))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("client", &self.0.client)
            .field("grant", &self.0.grant)
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}
