//! The issuer of test tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::builder::IssuerBuilder;
use super::fault::Fault;
use super::keyring::{KeyChoice, NamedKey};
use super::keys::{self, SigningKey};
use super::mint::Mint;
use super::server::Server;
use super::site::Site;
use super::token::TokenBuilder;
use crate::clock::Clock;
use crate::id::{self, Resource};
use crate::jwk::Algorithm;

/// An authorization server as a guard sees it: metadata, published keys, and tokens signed with
/// them.
///
/// It listens on a free port of 127.0.0.1 and stops when it is dropped. It has no login and no
/// token endpoint (the metadata names both, for it must; they answer 404): tests mint tokens with
/// [`token`](Self::token).
///
/// Key names are the same in every issuer (`es256-1`, `rs256-2`, ..), as issuers in the field may
/// choose the same names, too; the keys are never the same in two issuers that live at one time.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use clearance::testing::Issuer;
///
/// let issuer = Issuer::start("https://files.example.com/mcp".parse()?).await?;
/// let good = issuer.token().scope("files:read").mint();
/// let dead = issuer.token().scope("files:read").expired().mint();
/// assert_ne!(good, dead);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Issuer {
    id: id::Issuer,
    resource: Resource,
    clock: Arc<dyn Clock>,
    site: Arc<Site>,
    server: Server,
    serial: AtomicU64,
}

impl Issuer {
    /// Starts an issuer of tokens for `resource`, with one ES256 key and the system's clock.
    ///
    /// # Errors
    /// See [`IssuerBuilder::start`].
    pub async fn start(resource: Resource) -> io::Result<Self> {
        Self::builder(resource).start().await
    }

    /// An issuer of tokens for `resource` with a clock, a path, keys or documents of your choice.
    pub fn builder(resource: Resource) -> IssuerBuilder {
        IssuerBuilder::new(resource)
    }

    pub(super) fn new(
        id: id::Issuer,
        resource: Resource,
        clock: Arc<dyn Clock>,
        site: Arc<Site>,
        server: Server,
    ) -> Self {
        Self {
            id,
            resource,
            clock,
            site,
            server,
            serial: AtomicU64::new(0),
        }
    }

    /// The issuer identifier: what the guard is told to trust.
    pub fn id(&self) -> &id::Issuer {
        &self.id
    }

    /// The resource that tokens are for unless something else is said.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The time as this issuer sees it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Scheme, address and port of the server, without a path.
    pub fn origin(&self) -> &str {
        &self.site.origin
    }

    /// Where the key set is.
    pub fn jwks_uri(&self) -> String {
        self.site.jwks_uri()
    }

    /// The key set as it is published now, whatever fault is set.
    pub fn jwks(&self) -> String {
        self.site.state().jwks()
    }

    /// Starts a token that is right in every way.
    ///
    /// The header has `typ` (`at+jwt`), `alg` and `kid`; the claims are `iss`, `aud`, `sub`
    /// (`alice`), `client_id` (`client-1`), `iat` (10 s ago), `exp` (in 10 minutes) and a new
    /// `jti`. There is no `scope` until you give one.
    ///
    /// The key is the newest published one of the issuer's first algorithm; if there is none, the
    /// newest of any; if nothing is published, the one retired last.
    pub fn token(&self) -> TokenBuilder<'_> {
        TokenBuilder::new(self)
    }

    /// Publishes one more key and returns its `kid`.
    ///
    /// An RSA key takes noticeable time to make, so a process uses one again when no issuer that
    /// still exists has it. Should the crypto library fail, then the key signs with no bytes at
    /// all, which nobody accepts.
    pub fn add_key(&self, algorithm: Algorithm) -> String {
        self.site.state().keyring.add(algorithm).kid
    }

    /// Puts a key that was never used before in place of all published keys of `algorithm`, and
    /// returns its `kid`.
    ///
    /// Tokens of the old key can still be minted with [`TokenBuilder::signed_with_kid`].
    pub fn rotate(&self, algorithm: Algorithm) -> String {
        self.site.state().keyring.rotate(algorithm).kid
    }

    /// Publishes the key `kid` no longer. False if it was not published.
    pub fn retire(&self, kid: &str) -> bool {
        self.site.state().keyring.retire(kid)
    }

    /// The newest published key of `algorithm`.
    pub fn kid(&self, algorithm: Algorithm) -> Option<String> {
        self.site
            .state()
            .keyring
            .newest(algorithm)
            .map(|named| named.kid.clone())
    }

    /// Serves this text as the key set, in place of the issuer's own keys.
    pub fn publish_jwks(&self, text: impl Into<String>) {
        self.site.state().other_jwks = Some(text.into());
    }

    /// Ends what [`publish_jwks`](Self::publish_jwks) began.
    pub fn publish_own_keys(&self) {
        self.site.state().other_jwks = None;
    }

    /// Misbehaves for metadata and for keys from now on, [`Fault::None`] to end it.
    pub fn fault(&self, fault: Fault) {
        let mut state = self.site.state();
        state.metadata_fault = fault.clone();
        state.jwks_fault = fault;
    }

    /// Misbehaves for metadata from now on.
    pub fn metadata_fault(&self, fault: Fault) {
        self.site.state().metadata_fault = fault;
    }

    /// Misbehaves for keys from now on.
    pub fn jwks_fault(&self, fault: Fault) {
        self.site.state().jwks_fault = fault;
    }

    /// How often metadata was asked for, at any of the three places, served or not.
    pub fn metadata_hits(&self) -> u64 {
        self.site.metadata_hits()
    }

    /// How often the key set was asked for.
    pub fn jwks_hits(&self) -> u64 {
        self.site.jwks_hits()
    }

    /// What was asked for, in order: paths with their queries.
    pub fn paths_requested(&self) -> Vec<String> {
        self.site.state().targets.clone()
    }

    /// Is unreachable from now on: connections are refused, those that are open are closed.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// Can be reached again, on the same port.
    ///
    /// # Errors
    /// If something else has taken the port.
    pub async fn resume(&self) -> io::Result<()> {
        self.server.resume().await
    }

    /// Signs any bytes with the newest published key of `algorithm`; without one, a key is added.
    ///
    /// For ECDSA the signature is the concatenation of r and s, as in a token.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let choice = KeyChoice::Algorithm(algorithm);
        let named = self.site.state().keyring.choose(&choice);
        named.key.sign(message)
    }

    /// The public key `kid` as a JWK, retired ones included.
    pub fn public_jwk(&self, kid: &str) -> Option<Value> {
        let state = self.site.state();
        state.keyring.by_kid(kid).map(|named| named.key.jwk(kid))
    }

    /// The public key `kid` as DER (`SubjectPublicKeyInfo`).
    pub fn public_der(&self, kid: &str) -> Option<Vec<u8>> {
        let state = self.site.state();
        state
            .keyring
            .by_kid(kid)
            .map(|named| named.key.der().to_vec())
    }

    /// The public key `kid` as PEM, with a line break at its end.
    pub fn public_pem(&self, kid: &str) -> Option<String> {
        let text = STANDARD.encode(self.public_der(kid)?);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .filter_map(|line| str::from_utf8(line).ok())
            .collect();
        let body = lines.join("\n");
        Some(format!(
            "-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
        ))
    }

    /// The public key `kid` in its bare form: PKCS#1 for RSA, the uncompressed point for ECDSA, 32
    /// bytes for Ed25519.
    pub fn public_raw(&self, kid: &str) -> Option<Vec<u8>> {
        let state = self.site.state();
        state
            .keyring
            .by_kid(kid)
            .map(|named| named.key.raw().to_vec())
    }

    /// The public key `kid` for `jsonwebtoken`, to ask a second judge. There is none for ES512,
    /// which `jsonwebtoken` does not know.
    pub fn decoding_key(&self, kid: &str) -> Option<DecodingKey> {
        keys::use_aws_lc();
        let jwk = self.public_jwk(kid)?;
        let member = |name| jwk.get(name).and_then(Value::as_str);
        match member("kty")? {
            "RSA" => DecodingKey::from_rsa_components(member("n")?, member("e")?).ok(),
            "EC" if member("crv")? != "P-521" => {
                DecodingKey::from_ec_components(member("x")?, member("y")?).ok()
            }
            "OKP" => DecodingKey::from_ed_components(member("x")?).ok(),
            _ => None,
        }
    }
}

impl Mint for Issuer {
    fn issuer(&self) -> &id::Issuer {
        &self.id
    }

    fn resource(&self) -> &Resource {
        &self.resource
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn next_serial(&self) -> u64 {
        self.serial
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    fn choose(&self, choice: &KeyChoice) -> NamedKey {
        self.site.state().keyring.choose(choice)
    }

    fn stranger(&self, algorithm: Algorithm) -> Arc<SigningKey> {
        self.site.state().keyring.stranger(algorithm)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("id", &self.id)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
