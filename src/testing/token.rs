//! Tokens, right or wrong in any one way.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::keyring::{KeyChoice, NamedKey};
use super::members::{Edit, Members};
use super::mint::Mint;
use super::signer::Signer;
use crate::jwk::Algorithm;

/// An access token that is being put together; see [`Issuer::token`](super::Issuer::token).
///
/// Each method makes one thing different from a right token, and the result is signed after that,
/// so a token is wrong only in what you asked for. Where two calls concern the same thing the last
/// one counts; a header member set by name wins over what the choice of the key puts there.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # use clearance::testing::Issuer;
/// # let issuer = Issuer::start("https://files.example.com/mcp".parse()?).await?;
/// let foreign = issuer.token().wrong_audience().mint();
/// let both = vec!["https://a.example.com", "https://b.example.com"];
/// let several = issuer.token().audience(both).mint();
/// let unsigned = issuer.token().alg_none().mint();
/// # assert!(unsigned.ends_with('.') && foreign != several);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a token exists once `mint` is called"]
pub struct TokenBuilder<'a> {
    mint: &'a dyn Mint,
    now: DateTime<Utc>,
    claims: Members,
    issued_at: DateTime<Utc>,
    lifetime: Option<TimeDelta>,
    header_edits: Vec<Edit>,
    choice: KeyChoice,
    signer: Signer,
    raw_header: Option<Vec<u8>>,
    raw_payload: Option<Vec<u8>>,
    raw_signature: Option<Vec<u8>>,
}

impl<'a> TokenBuilder<'a> {
    pub(super) fn new(mint: &'a dyn Mint) -> Self {
        let now = mint.now();
        let issued_at = later(now, TimeDelta::seconds(-10));
        let mut claims = Members::default();
        claims.set_value("iss", mint.issuer().as_str());
        claims.set_value("aud", mint.resource().as_str());
        claims.set_value("sub", "alice");
        claims.set_value("client_id", "client-1");
        claims.set_value("iat", issued_at.timestamp());
        claims.set_value("exp", later(now, TimeDelta::minutes(10)).timestamp());
        claims.set_value("jti", format!("token-{}", mint.next_serial()));
        Self {
            mint,
            now,
            claims,
            issued_at,
            lifetime: None,
            header_edits: Vec::new(),
            choice: KeyChoice::Current,
            signer: Signer::Named,
            raw_header: None,
            raw_payload: None,
            raw_signature: None,
        }
    }

    /// The scopes, separated by one space each. Default: no `scope` claim.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// Who the token speaks for (`sub`). Default: `alice`.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// The client that was given the token (`client_id`). Default: `client-1`.
    pub fn client(self, client: &str) -> Self {
        self.claim("client_id", client)
    }

    /// Whom the token is for (`aud`): text or a list of texts. Default: the issuer's resource.
    pub fn audience(self, audience: impl Into<Value>) -> Self {
        self.claim("aud", audience)
    }

    /// The token's own name (`jti`). Default: another one for each token.
    pub fn token_id(self, id: &str) -> Self {
        self.claim("jti", id)
    }

    /// When the token was issued (`iat`), to the second. Default: 10 seconds ago.
    pub fn issued_at(mut self, at: DateTime<Utc>) -> Self {
        self.issued_at = at;
        let this = self.claim("iat", at.timestamp());
        match this.lifetime {
            Some(lifetime) => this.lifetime(lifetime),
            None => this,
        }
    }

    /// When the token dies (`exp`), to the second. Default: in 10 minutes.
    pub fn expires_at(mut self, at: DateTime<Utc>) -> Self {
        self.lifetime = None;
        self.claim("exp", at.timestamp())
    }

    /// How long after `iat` the token dies.
    pub fn lifetime(mut self, lifetime: TimeDelta) -> Self {
        self.lifetime = Some(lifetime);
        let exp = later(self.issued_at, lifetime).timestamp();
        self.claim("exp", exp)
    }

    /// Issued two hours ago and dead for an hour: no leeway saves it.
    pub fn expired(self) -> Self {
        let (issued, dead) = (TimeDelta::hours(-2), TimeDelta::hours(-1));
        let now = self.now;
        self.issued_at(later(now, issued))
            .expires_at(later(now, dead))
    }

    /// In force only in an hour (`nbf`), and for an hour.
    pub fn not_yet_valid(self) -> Self {
        let now = self.now;
        let start = later(now, TimeDelta::hours(1)).timestamp();
        self.claim("nbf", start)
            .expires_at(later(now, TimeDelta::hours(2)))
    }

    /// Addressed to another server.
    pub fn wrong_audience(self) -> Self {
        self.audience("https://elsewhere.example.com/mcp")
    }

    /// Names another issuer (`iss`), though it is signed with a key of this one.
    pub fn wrong_issuer(self) -> Self {
        self.claim("iss", "https://other-issuer.example.com")
    }

    /// Not typed as an access token: `typ` is `JWT`.
    pub fn wrong_type(self) -> Self {
        self.header("typ", "JWT")
    }

    /// Signed with another key of the same algorithm, under the right `kid`.
    pub fn wrong_signature(mut self) -> Self {
        self.signer = Signer::Stranger;
        self
    }

    /// Signed with a key that is not published, under a `kid` that is not published and that no
    /// other token has.
    pub fn unknown_key(mut self) -> Self {
        self.signer = Signer::Unknown(format!("unknown-{}", self.mint.next_serial()));
        self
    }

    /// Not signed: `alg` is `none`, and nothing follows the last dot.
    pub fn alg_none(mut self) -> Self {
        self.signer = Signer::Nobody;
        self
    }

    /// Signed with the newest published key of `algorithm`; without one, a key is added.
    pub fn signed_by(mut self, algorithm: Algorithm) -> Self {
        self.choice = KeyChoice::Algorithm(algorithm);
        self
    }

    /// Signed with the key `kid`, retired ones included.
    ///
    /// If the issuer never had such a key, the token is signed with one that is not published.
    pub fn signed_with_kid(mut self, kid: &str) -> Self {
        self.choice = KeyChoice::Kid(kid.to_owned());
        self
    }

    /// Has this MAC in place of a signature, and this `alg`: what an attacker does who hopes that
    /// a public key is taken for a shared secret.
    ///
    /// The hash is SHA-384 or SHA-512 if the name ends so, SHA-256 otherwise.
    pub fn hmac_with(mut self, algorithm: &str, secret: impl Into<Vec<u8>>) -> Self {
        self.signer = Signer::Secret(algorithm.to_owned(), secret.into());
        self
    }

    /// Sets a claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.set_value(name, value);
        self
    }

    /// Sets a claim to this JSON text as it stands, for what no [`Value`] holds (`1e400`) and for
    /// what is no JSON.
    pub fn claim_text(mut self, name: &str, text: &str) -> Self {
        self.claims.set(name, text.to_owned());
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header member.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value: Value = value.into();
        self.header_edits
            .push(Edit::Set(name.to_owned(), value.to_string()));
        self
    }

    /// Sets a header member to this JSON text as it stands.
    pub fn header_text(mut self, name: &str, text: &str) -> Self {
        self.header_edits
            .push(Edit::Set(name.to_owned(), text.to_owned()));
        self
    }

    /// Leaves a header member out.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header_edits.push(Edit::Remove(name.to_owned()));
        self
    }

    /// Puts these very bytes in place of the header, and signs them.
    pub fn raw_header(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw_header = Some(bytes.into());
        self
    }

    /// Puts these very bytes in place of the payload, and signs them.
    pub fn raw_payload(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw_payload = Some(bytes.into());
        self
    }

    /// Puts these bytes in place of the signature.
    pub fn raw_signature(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw_signature = Some(bytes.into());
        self
    }

    /// The header as JSON text, to be changed and given back with [`raw_header`](Self::raw_header).
    #[must_use]
    pub fn header_json(&self) -> String {
        self.header_for(&self.named_key()).to_string()
    }

    /// The claims as JSON text, to be changed and given back with
    /// [`raw_payload`](Self::raw_payload).
    #[must_use]
    pub fn payload_json(&self) -> String {
        self.claims.to_string()
    }

    /// The token.
    #[must_use]
    pub fn mint(&self) -> String {
        let named = self.named_key();
        let header = match &self.raw_header {
            Some(bytes) => URL_SAFE_NO_PAD.encode(bytes),
            None => URL_SAFE_NO_PAD.encode(self.header_for(&named).to_string()),
        };
        let payload = match &self.raw_payload {
            Some(bytes) => URL_SAFE_NO_PAD.encode(bytes),
            None => URL_SAFE_NO_PAD.encode(self.payload_json()),
        };
        let signed = format!("{header}.{payload}");
        let signature = match &self.raw_signature {
            Some(bytes) => bytes.clone(),
            None => self.signature(&named, signed.as_bytes()),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn named_key(&self) -> NamedKey {
        self.mint.choose(&self.choice)
    }

    fn header_for(&self, named: &NamedKey) -> Members {
        let mut header = Members::default();
        header.set_value("typ", "at+jwt");
        header.set_value("alg", self.signer.algorithm(named));
        header.set_value("kid", self.signer.kid(named));
        for edit in &self.header_edits {
            header.apply(edit);
        }
        header
    }

    fn signature(&self, named: &NamedKey, message: &[u8]) -> Vec<u8> {
        let stranger = || self.mint.stranger(named.key.algorithm());
        self.signer.sign(named, stranger, message)
    }
}

impl fmt::Debug for TokenBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder")
            .field("issuer", self.mint.issuer())
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// `by` after `at`, or `at` where that is beyond what a date can say.
fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}
