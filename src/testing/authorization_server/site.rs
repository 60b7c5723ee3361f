//! What all endpoints share: settings, keys, clients, grants and faults.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::fault::Fault;
use super::super::keyring::{KeyChoice, Keyring, NamedKey};
use super::super::keys::SigningKey;
use super::super::mint::Mint;
use super::assertion::SpentAssertions;
use super::bounded::Bounded;
use super::client::Client;
use super::consent::Pending;
use super::error::{Code, OAuthError};
use super::fault::ServerFault;
use super::parameters::Parameters;
use super::random::Digest;
use super::record::Records;
use super::registration;
use super::scope_list::ScopeList;
use super::store::Store;
use super::user::User;
use crate::clock::Clock;
use crate::id::{self, Resource, TokenId};
use crate::jwk::Algorithm;

const MOST_REGISTRATIONS: usize = 1_000;
const MOST_PENDING: usize = 1_000;

/// What is decided before the server starts.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) resource: Resource,
    pub(super) other_resources: Vec<Resource>,
    pub(super) clock: Arc<dyn Clock>,
    /// Without any, every scope is known.
    pub(super) scopes: Vec<Described>,
    pub(super) default_scopes: ScopeList,
    /// Registered by hand.
    pub(super) clients: HashMap<String, Arc<Client>>,
    /// Client metadata documents by their URLs.
    pub(super) documents: HashMap<String, String>,
    pub(super) access_token_lifetime: TimeDelta,
    /// Whether access tokens are random text and no JWTs.
    pub(super) has_opaque_tokens: bool,
    pub(super) path: String,
}

/// A scope of a vocabulary.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) text: &'static str,
    pub(super) sentence: &'static str,
    /// The texts of the scopes that it grants besides itself.
    pub(super) includes: Vec<&'static str>,
}

/// Who answers the question on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// Whoever sits before the page.
    Ask,
    /// The server, with yes.
    Approve(User),
    /// The server, with no.
    Deny,
}

/// What changes while the server runs.
#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) registered: Bounded<String, Arc<Client>>,
    /// Consent pages by the digest of their form token.
    pub(super) pending: Bounded<Digest, Pending>,
    pub(super) assertions: SpentAssertions,
    pub(super) consent: Consent,
    pub(super) metadata_fault: Fault,
    pub(super) jwks_fault: Fault,
    pub(super) token_fault: Fault,
    pub(super) introspection_fault: Fault,
    pub(super) faults: Vec<ServerFault>,
    pub(super) records: Records,
}

type Listener = Arc<dyn Fn(&id::Issuer, &TokenId) + Send + Sync>;

pub(super) struct Site {
    pub(super) settings: Settings,
    pub(super) issuer: id::Issuer,
    /// Scheme, address and port.
    pub(super) origin: String,
    pub(super) port: u16,
    // Never locked before `state` is asked for by the same thread.
    keyring: Mutex<Keyring>,
    state: Mutex<State>,
    listeners: Mutex<Vec<Listener>>,
    /// Held while listeners are told, so that nobody overtakes them.
    telling: Mutex<()>,
    serial: AtomicU64,
}

impl Site {
    pub(super) fn new(
        settings: Settings,
        issuer: id::Issuer,
        (origin, port): (String, u16),
        keyring: Keyring,
        consent: Consent,
    ) -> Self {
        let state = State {
            store: Store::new(),
            registered: Bounded::new(MOST_REGISTRATIONS),
            pending: Bounded::new(MOST_PENDING),
            assertions: SpentAssertions::new(),
            consent,
            metadata_fault: Fault::None,
            jwks_fault: Fault::None,
            token_fault: Fault::None,
            introspection_fault: Fault::None,
            faults: Vec::new(),
            records: Records::default(),
        };
        Self {
            settings,
            issuer,
            origin,
            port,
            keyring: Mutex::new(keyring),
            state: Mutex::new(state),
            listeners: Mutex::new(Vec::new()),
            telling: Mutex::new(()),
            serial: AtomicU64::new(0),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keyring(&self) -> MutexGuard<'_, Keyring> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path of the issuer without a slash at its end.
    pub(super) fn folder(&self) -> &str {
        self.settings.path.trim_end_matches('/')
    }

    /// The URL of an endpoint.
    pub(super) fn endpoint(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.folder())
    }

    pub(super) fn client(&self, id: &str) -> Option<Arc<Client>> {
        if let Some(client) = self.settings.clients.get(id) {
            return Some(Arc::clone(client));
        }
        if let Some(document) = self.settings.documents.get(id) {
            return registration::described(id, document);
        }
        self.state().registered.get(id).map(Arc::clone)
    }

    pub(super) fn register(&self, client: Client) {
        let id = client.id.clone();
        let mut state = self.state();
        for forgotten in state.registered.insert(id, Arc::new(client)) {
            // It could not revoke anything itself any more.
            state.store.revoke_client(&forgotten.id);
        }
    }

    /// The resources that a request names, at least one (RFC 8707 section 2).
    ///
    /// # Errors
    /// If it names none, or one that this server does not know.
    pub(super) fn resources(&self, parameters: &Parameters) -> Result<Vec<Resource>, OAuthError> {
        let mut found: Vec<Resource> = Vec::new();
        for text in parameters.all("resource") {
            let known = self.known_resources().find(|known| known.is_named_by(text));
            let resource = known.ok_or(OAuthError::target("this server knows no such resource"))?;
            if !found.contains(resource) {
                found.push(resource.clone());
            }
        }
        if found.is_empty() {
            return Err(OAuthError::target("the parameter `resource` is required"));
        }
        Ok(found)
    }

    /// The one resource that a token is asked for.
    ///
    /// # Errors
    /// If the request names none, several, or one that this server does not know.
    pub(super) fn one_resource(&self, parameters: &Parameters) -> Result<Resource, OAuthError> {
        let mut found = self.resources(parameters)?;
        match (found.pop(), found.is_empty()) {
            (Some(resource), true) => Ok(resource),
            _ => Err(OAuthError::target("a token is for one resource")),
        }
    }

    pub(super) fn known_resources(&self) -> impl Iterator<Item = &Resource> {
        std::iter::once(&self.settings.resource).chain(&self.settings.other_resources)
    }

    /// The scopes that are asked for; the default ones if none are (RFC 6749 section 3.3).
    ///
    /// # Errors
    /// If one is not known here.
    pub(super) fn scopes(&self, asked: Option<&str>) -> Result<ScopeList, OAuthError> {
        let Some(text) = asked else {
            return Ok(self.settings.default_scopes.clone());
        };
        let scopes = ScopeList::parse(text)?;
        let settings = &self.settings;
        let is_known = |scope| settings.scopes.is_empty() || settings.knows(scope);
        if scopes.iter().all(is_known) {
            Ok(scopes)
        } else {
            let reason = "this server knows no such scope";
            Err(OAuthError::new(Code::InvalidScope, reason))
        }
    }

    pub(super) fn has_fault(&self, fault: &ServerFault) -> bool {
        self.state().faults.contains(fault)
    }

    pub(super) fn listen(&self, listener: Listener) {
        self.listeners().push(listener);
    }

    /// Tells the listeners which tokens were revoked since the last time.
    pub(super) fn tell_what_was_revoked(&self) {
        // Another request may have taken what this one has revoked: it waits until all is told.
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let revoked = self.state().store.take_revoked();
        if revoked.is_empty() {
            return;
        }
        // Called without the lock, for a listener may ask this server something.
        let listeners = self.listeners().clone();
        for id in &revoked {
            for listener in &listeners {
                listener(&self.issuer, id);
            }
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    pub(super) fn knows(&self, scope: &str) -> bool {
        self.described(scope).is_some()
    }

    pub(super) fn described(&self, scope: &str) -> Option<&Described> {
        self.scopes.iter().find(|known| known.text == scope)
    }
}

impl Mint for Site {
    fn issuer(&self) -> &id::Issuer {
        &self.issuer
    }

    fn resource(&self) -> &Resource {
        &self.settings.resource
    }

    fn now(&self) -> DateTime<Utc> {
        self.settings.clock.now()
    }

    fn next_serial(&self) -> u64 {
        self.serial
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    fn choose(&self, choice: &KeyChoice) -> NamedKey {
        self.keyring().choose(choice)
    }

    fn stranger(&self, algorithm: Algorithm) -> Arc<SigningKey> {
        self.keyring().stranger(algorithm)
    }
}

/// `by` after `at`, or `at` where that is beyond what a date can say.
pub(super) fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("resource", &self.resource)
            .field("other_resources", &self.other_resources)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
