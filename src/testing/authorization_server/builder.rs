//! How an [`AuthorizationServer`] is set up.

use std::collections::HashMap;
use std::future::IntoFuture as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task;

use super::super::keyring::Keyring;
use super::super::keys::{Origin, SigningKey};
use super::AuthorizationServer;
use super::client::{Authentication, Client};
use super::random::Digest;
use super::redirect_uri::RedirectUri;
use super::scope_list::ScopeList;
use super::site::{Consent, Described, Settings, Site};
use super::user::User;
use super::{assertion, endpoints};
use crate::clock::{Clock, SystemClock};
use crate::id::{self, Resource};
use crate::jwk::Algorithm;
use crate::scope::{self, ScopeTable, Vocabulary};

const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// An [`AuthorizationServer`] that is being set up; see [`AuthorizationServer::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is served before `start`"]
pub struct AuthorizationServerBuilder {
    settings: Settings,
    consent: Consent,
    address: SocketAddr,
    /// What was said and cannot be done.
    problem: Option<&'static str>,
}

impl AuthorizationServerBuilder {
    pub(super) fn new(resource: Resource) -> Self {
        let settings = Settings {
            resource,
            other_resources: Vec::new(),
            clock: Arc::new(SystemClock),
            scopes: Vec::new(),
            default_scopes: ScopeList::default(),
            clients: HashMap::new(),
            documents: HashMap::new(),
            access_token_lifetime: ACCESS_TOKEN_LIFETIME,
            has_opaque_tokens: false,
            path: String::new(),
        };
        Self {
            settings,
            consent: Consent::Ask,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            problem: None,
        }
    }

    /// Takes the time from `clock`. Default: the system's clock.
    ///
    /// Give the guard under test the same clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Gives out tokens for one more resource. Each token is for one of them.
    pub fn also_for(mut self, resource: Resource) -> Self {
        self.settings.other_resources.push(resource);
        self
    }

    /// Knows the scopes of the vocabulary `V`, and shows the documentation of each of them in
    /// [`scopes!`](crate::scopes) on the consent page, together with what it includes.
    ///
    /// From then on scopes that no described vocabulary has are refused (`invalid_scope`), and the
    /// metadata lists those that it has. Without any vocabulary every scope is known.
    pub fn describing<V: Vocabulary>(mut self) -> Self {
        let table = ScopeTable::of::<V>();
        for (text, sentence) in scope::sentences::<V>() {
            if self.settings.knows(text) {
                continue;
            }
            let all = table.names(table.read([text].into_iter()).granted);
            let includes = all.filter(|other| *other != text).collect();
            self.settings.scopes.push(Described {
                text,
                sentence,
                includes,
            });
        }
        self
    }

    /// What a client gets that asks for no scope, separated by one space each. Default: nothing.
    pub fn default_scope(mut self, scope: &str) -> Self {
        match ScopeList::parse(scope) {
            Ok(scopes) => self.settings.default_scopes = scopes,
            Err(_) => self.problem = Some("the default scope is not written as RFC 6749 says"),
        }
        self
    }

    /// Takes `json` for what stands at `url`, so that `url` can be a `client_id` (OAuth Client ID
    /// Metadata Document). Nothing is ever fetched.
    ///
    /// Only with a document does the metadata say `client_id_metadata_document_supported`: a client
    /// that is told so may show the URL of its own document instead of registering itself, and one
    /// that was not given here is not known.
    ///
    /// A document that does not fit its URL is kept, and its client refused: as with a real server.
    pub fn with_client_document(mut self, url: &str, json: impl Into<String>) -> Self {
        self.settings.documents.insert(url.to_owned(), json.into());
        self
    }

    /// Knows a confidential client, which proves who it is with `secret`.
    ///
    /// It may get `scopes` (separated by one space each) for itself with `client_credentials`, and
    /// it may introspect and exchange tokens. It has no redirect URI, so no user is ever asked.
    pub fn client(mut self, id: &str, secret: &str, scopes: &str) -> Self {
        if secret.is_empty() {
            self.problem = Some("a secret is empty, which is as good as none");
        }
        let authentication = Authentication::BasicOrPost(Digest::of(secret));
        self.add_confidential(id, authentication, scopes);
        self
    }

    /// Knows a confidential client, as [`client`](Self::client) does, which proves who it is with a
    /// key and not with a secret: `private_key_jwt` (RFC 7523 section 2.2).
    ///
    /// `jwks` is the JWK set of its public keys, for any [`Algorithm`]. With each request the client
    /// sends an assertion: a JWT that it has signed, from and about itself (`iss` and `sub`), for this
    /// server's [identifier](AuthorizationServer::id) alone (`aud`), for 5 minutes at most (`exp`), with
    /// a name that is good once (`jti`). In `typ` it says `client-authentication+jwt`, `JWT`, or
    /// nothing.
    ///
    /// # Examples
    /// An [`Issuer`](super::super::Issuer) can be the one that signs:
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use chrono::TimeDelta;
    /// use clearance::testing::{AuthorizationServer, Issuer};
    ///
    /// let keys = Issuer::start("https://files.example.com/mcp".parse()?).await?;
    /// let server = AuthorizationServer::builder(keys.resource().clone())
    ///     .client_with_keys("machine", &keys.jwks(), "files:read")
    ///     .start()
    ///     .await?;
    /// let assertion = keys
    ///     .token()
    ///     .header("typ", "client-authentication+jwt")
    ///     .claim("iss", "machine")
    ///     .subject("machine")
    ///     .audience(server.id().as_str())
    ///     .lifetime(TimeDelta::minutes(1))
    ///     .mint();
    /// # assert_eq!(assertion.matches('.').count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_with_keys(mut self, id: &str, jwks: &str, scopes: &str) -> Self {
        match assertion::keys(jwks) {
            Some(keys) => self.add_confidential(id, Authentication::Keys(keys), scopes),
            None => self.problem = Some("a client's keys are no JWK set with a public key"),
        }
        self
    }

    /// Knows a public client with these redirect URIs.
    pub fn public_client<U: AsRef<str>>(
        mut self,
        id: &str,
        redirect_uris: impl IntoIterator<Item = U>,
    ) -> Self {
        let uris: Result<Vec<_>, _> = redirect_uris
            .into_iter()
            .map(|uri| RedirectUri::parse(uri.as_ref()))
            .collect();
        match uris {
            Ok(redirect_uris) => self.add(Client {
                id: id.to_owned(),
                name: id.to_owned(),
                redirect_uris,
                authentication: Authentication::Nothing,
                may_refresh: true,
                is_stranger: false,
                own_scopes: None,
            }),
            Err(error) => self.problem = Some(error.description),
        }
        self
    }

    /// How long access tokens live. Default: 10 minutes.
    pub fn access_token_lifetime(mut self, lifetime: TimeDelta) -> Self {
        self.settings.access_token_lifetime = lifetime;
        self
    }

    /// Gives out access tokens that say nothing: random text, as refresh tokens are. Default: JWTs
    /// (RFC 9068).
    ///
    /// What such a token is worth is told at `/introspect` alone. What
    /// [`token`](AuthorizationServer::token) mints stays a JWT.
    pub fn opaque_tokens(mut self) -> Self {
        self.settings.has_opaque_tokens = true;
        self
    }

    /// Says yes in the name of `user` to whatever is asked, without a page; see
    /// [`AuthorizationServer::approve_automatically`].
    pub fn approve_automatically(mut self, user: User) -> Self {
        self.consent = Consent::Approve(user);
        self
    }

    /// Adds a path to the issuer identifier, for instance `/t1`. Default: none.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.settings.path = path.into();
        self
    }

    /// Listens on this port. Default: 0, which is any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Listens on this address, which must be a loopback address. Default: `127.0.0.1:0`.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Makes a key, listens and serves.
    ///
    /// It must be called on a tokio runtime with I/O and time, which then runs the server.
    ///
    /// # Errors
    /// If the address is not a loopback address, if the port is taken, if no key can be made, or
    /// if something that was said before cannot be done.
    pub async fn start(self) -> io::Result<AuthorizationServer> {
        if let Some(problem) = self.problem {
            return Err(refused(problem));
        }
        if !self.address.ip().is_loopback() {
            return Err(refused(
                "this server is for tests: it listens on loopback only",
            ));
        }
        if !self.knows_its_scopes() {
            return Err(refused("a scope is given out that no vocabulary describes"));
        }
        let path = &self.settings.path;
        if !path.is_empty() && !path.starts_with('/') {
            return Err(refused("a path begins with a slash"));
        }
        let keyring = task::spawn_blocking(keyring).await??;
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let origin = format!("http://{address}");
        let issuer: id::Issuer = format!("{origin}{path}")
            .parse()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let place = (origin, address.port());
        let site = Site::new(self.settings, issuer, place, keyring, self.consent);
        let site = Arc::new(site);
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, endpoints::router(Arc::clone(&site)))
            .with_graceful_shutdown(async {
                // It ends when the handle is dropped, which is an error here and no surprise.
                stopped.await.ok();
            });
        task::spawn(serving.into_future());
        Ok(AuthorizationServer::new(site, stop))
    }

    fn add_confidential(&mut self, id: &str, authentication: Authentication, scopes: &str) {
        let own_scopes = if scopes.is_empty() {
            Ok(ScopeList::default())
        } else {
            ScopeList::parse(scopes)
        };
        match own_scopes {
            Ok(scopes) => self.add(Client {
                id: id.to_owned(),
                name: id.to_owned(),
                redirect_uris: Vec::new(),
                authentication,
                may_refresh: false,
                is_stranger: false,
                own_scopes: Some(scopes),
            }),
            Err(_) => self.problem = Some("a client's scopes are not written as RFC 6749 says"),
        }
    }

    fn add(&mut self, client: Client) {
        let id = client.id.clone();
        if id.is_empty() {
            self.problem = Some("a client has no name");
        }
        if User::named(&id).is_some() {
            // What it does for itself would look as if the user did it (RFC 9700 section 4.15).
            self.problem = Some("a client has the name of a user");
        }
        if self.settings.clients.insert(id, Arc::new(client)).is_some() {
            self.problem = Some("two clients have one name");
        }
    }

    /// Whether the scopes that are given out are known, where any are described.
    fn knows_its_scopes(&self) -> bool {
        let settings = &self.settings;
        let own = settings
            .clients
            .values()
            .filter_map(|client| client.own_scopes.as_ref());
        let mut given = own
            .chain([&settings.default_scopes])
            .flat_map(ScopeList::iter);
        settings.scopes.is_empty() || given.all(|scope| settings.knows(scope))
    }
}

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

fn keyring() -> io::Result<Keyring> {
    let mut keyring = Keyring::new(Algorithm::ES256);
    keyring.publish(SigningKey::generate(Algorithm::ES256, Origin::Unused)?);
    Ok(keyring)
}
