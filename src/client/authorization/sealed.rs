//! A request that is awaited, as bytes that say nothing to others.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::discovery::TokenServer;
use super::super::scopes::Scopes;
use super::super::shared::Client;
use super::super::tokens::{RegistrationRecord, SecretText, written};
use super::{AuthorizationError, AwaitingRedirect};

const LABEL: &str = "clearance awaiting redirect 1";

/// The key that what waits for a redirect is encrypted with: 32 random bytes.
///
/// # Examples
/// ```
/// use clearance::client::PendingKey;
///
/// let key = PendingKey::from_bytes(&[7; 32]);
/// assert_eq!(format!("{key:?}"), "PendingKey(..)");
/// ```
pub struct PendingKey(Zeroizing<[u8; 32]>);

impl PendingKey {
    /// The key of these bytes, which must come from a cryptographic random source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// A key that nobody else has: what it sealed is lost when the process ends.
    ///
    /// # Errors
    /// [`AuthorizationError::NoRandomness`]
    pub fn this_process_only() -> Result<Self, AuthorizationError> {
        let mut bytes = Zeroizing::new([0; 32]);
        let filled = aws_lc_rs::rand::fill(&mut *bytes);
        filled.ok().ok_or(AuthorizationError::NoRandomness)?;
        Ok(Self(bytes))
    }

    fn cipher(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, &*self.0).ok()
    }
}

impl fmt::Debug for PendingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingKey(..)")
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    endpoint: String,
    issuer: String,
    token_endpoint: String,
    methods: Option<Box<[Box<str>]>>,
    algorithms: Option<Box<[Box<str>]>>,
    promises_iss: bool,
    registration: RegistrationRecord,
    redirect_uri: String,
    resource: String,
    scopes: String,
    verifier: SecretText,
    state: SecretText,
    expires_at: i64,
}

/// What is authenticated beside the content: the state, and the session of the browser.
fn context(state: &str, session: &str) -> Vec<u8> {
    // The state has no line break, and comes before what may have one.
    [LABEL, "\n", state, "\n", session].concat().into_bytes()
}

impl AwaitingRedirect {
    /// Encrypts it for one session of one browser. The nonce stands first.
    pub(super) fn sealed(&self, key: &PendingKey, session: &str) -> Option<Box<[u8]>> {
        let mut text = written(&Record {
            endpoint: self.client.endpoint().as_str().to_owned(),
            issuer: self.issuer().as_str().to_owned(),
            token_endpoint: self.tokens.endpoint.as_str().to_owned(),
            methods: self.tokens.methods.clone(),
            algorithms: self.tokens.algorithms.clone(),
            promises_iss: self.promises_iss,
            registration: RegistrationRecord::of(&self.registration),
            redirect_uri: self.redirect_uri.as_str().to_owned(),
            resource: self.resource.as_str().to_owned(),
            scopes: self.scopes.to_string(),
            verifier: SecretText((*self.verifier).clone()),
            state: SecretText((*self.state).clone()),
            expires_at: self.expires_at.timestamp(),
        });
        let aad = Aad::from(context(&self.state, session));
        let nonce = key.cipher()?.seal_in_place_append_tag(aad, &mut *text);
        let nonce = nonce.ok()?;
        Some([&nonce.as_ref()[..], &text].concat().into())
    }

    /// What was encrypted for this session, if it belongs to this client.
    pub(super) fn opened(
        client: &Client,
        key: &PendingKey,
        (state, session): (&str, &str),
        sealed: &[u8],
    ) -> Option<Self> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let aad = Aad::from(context(state, session));
        let mut text = Zeroizing::new(text.to_vec());
        let cipher = key.cipher()?;
        let text = cipher.open_in_place(nonce, aad, &mut text).ok()?;
        let record: Record = serde_json::from_slice(text).ok()?;
        if record.endpoint != client.endpoint().as_str() {
            return None;
        }
        let issuer = record.issuer.parse().ok()?;
        let tokens = TokenServer {
            endpoint: client.place_of(&issuer, &record.token_endpoint).ok()?,
            issuer,
            methods: record.methods,
            algorithms: record.algorithms,
        };
        let secret = |mut text: SecretText| Zeroizing::new(std::mem::take(&mut text.0));
        Some(Self {
            client: client.clone(),
            tokens,
            promises_iss: record.promises_iss,
            registration: record.registration.read(client)?,
            redirect_uri: record.redirect_uri.parse().ok()?,
            resource: record.resource.parse().ok()?,
            scopes: Scopes::read([&*record.scopes]),
            verifier: secret(record.verifier),
            state: secret(record.state),
            expires_at: DateTime::from_timestamp(record.expires_at, 0)?,
            url: String::new(),
        })
    }
}
