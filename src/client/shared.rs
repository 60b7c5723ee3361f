//! The client, and what its flows share.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::builder::ClientBuilder;
use super::challenge::Challenge;
use super::discovery::{self, Discovered, DiscoveryError, KnownServers};
use super::endpoint::Endpoint;
use super::registration::{ClientMetadataDocument, KnownRegistrations, Registration};
use crate::clock::Clock;
use crate::credentials::ClientAuthentication;
use crate::fetch::{FetchError, Place, WebClient};
use crate::id::{Issuer, Resource};

/// An OAuth client of one MCP endpoint. Clones are the same client.
///
/// It keeps what it learns about issuers, and its registrations with them, in memory. Tokens are the
/// caller's: see [`TokenSet`](super::TokenSet).
///
/// # Examples
/// ```no_run
/// use clearance::client::{Challenge, Client, Redirect};
///
/// # async fn run(headers: &http::HeaderMap, wait_for_redirect: impl AsyncFn(&str) -> String)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("https://mcp.example.com/mcp".parse()?).name("Editor").build()?;
///
/// // The endpoint has answered 401, with these headers.
/// let discovered = client.discover(&Challenge::from_headers(headers)).await?;
/// let registered = discovered.register("http://127.0.0.1:49152/callback".parse()?).await?;
/// let awaiting = registered.authorize()?;
/// let redirect = wait_for_redirect(awaiting.url()).await;
/// let tokens = awaiting.redirected(&Redirect::from_url(&redirect)).await?;
///
/// let header = tokens.authorization_for("https://mcp.example.com/mcp")?;
/// assert!(tokens.authorization_for("https://elsewhere.example.com/mcp").is_err());
/// # let _ = header;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    endpoint: Endpoint,
    settings: Settings,
    web: WebClient,
    clock: Arc<dyn Clock>,
    registrations: KnownRegistrations,
    servers: KnownServers,
}

/// What the application has said.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of its own, said by name"
)]
pub(super) struct Settings {
    pub(super) name: Box<str>,
    pub(super) pre_registered: Vec<(Issuer, ClientAuthentication)>,
    pub(super) document: Option<ClientMetadataDocument>,
    pub(super) allowed: Vec<Issuer>,
    pub(super) wants_refresh: bool,
    pub(super) metadata_elsewhere: bool,
    pub(super) parent_resource: bool,
    pub(super) legacy: bool,
}

impl Settings {
    pub(super) fn standard() -> Self {
        Self {
            name: "MCP client".into(),
            pre_registered: Vec::new(),
            document: None,
            allowed: Vec::new(),
            wants_refresh: true,
            metadata_elsewhere: false,
            parent_resource: false,
            legacy: false,
        }
    }
}

impl Client {
    /// Begins a client of the MCP endpoint at this URL, written as its requests are sent to it.
    pub fn builder(endpoint: Resource) -> ClientBuilder {
        ClientBuilder::new(endpoint)
    }

    pub(super) fn new(
        endpoint: Endpoint,
        settings: Settings,
        web: WebClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Shared {
            endpoint,
            settings,
            web,
            clock,
            registrations: KnownRegistrations::default(),
            servers: KnownServers::default(),
        }))
    }

    /// The MCP endpoint.
    pub fn endpoint(&self) -> &Resource {
        self.0.endpoint.id()
    }

    /// Finds out who issues tokens for the endpoint, after it has answered with this challenge. An answer
    /// without any is a challenge as well; see [`Challenge::from_headers`].
    ///
    /// The metadata of the resource is read each time, that of the issuer at most every 5 minutes.
    ///
    /// # Errors
    /// [`DiscoveryError`]. Nothing was sent to an authorization, token or registration endpoint.
    ///
    /// # Specification
    /// [RFC 9728](https://www.rfc-editor.org/rfc/rfc9728),
    /// [RFC 8414](https://www.rfc-editor.org/rfc/rfc8414)
    pub async fn discover(&self, challenge: &Challenge) -> Result<Discovered, DiscoveryError> {
        discovery::discover(self, challenge).await
    }

    /// Takes a registration from before, so that the client does not register once more with its issuer.
    /// One that the issuer has called unknown meanwhile is not taken.
    pub fn remember(&self, registration: Registration) {
        self.0.registrations.keep(registration);
    }

    /// The registration with this issuer that is remembered, and with no other.
    pub fn registration_with(&self, issuer: &Issuer) -> Option<Registration> {
        self.0.registrations.get(issuer)
    }

    /// The issuer does not know this registration any more.
    pub(super) fn forget(&self, registration: &Registration) {
        self.0.registrations.end(registration);
    }

    /// What the application is registered as with this issuer.
    pub(super) fn pre_registered(&self, issuer: &Issuer) -> Option<&ClientAuthentication> {
        let mut all = self.settings().pre_registered.iter();
        all.find(|(own, _)| own == issuer).map(|(_, client)| client)
    }

    /// What the application is by its metadata document.
    pub(super) fn document_client(&self) -> Option<&ClientAuthentication> {
        let document = self.settings().document.as_ref()?;
        Some(document.authentication())
    }

    pub(super) fn place(&self) -> &Endpoint {
        &self.0.endpoint
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn web(&self) -> &WebClient {
        &self.0.web
    }

    pub(super) fn servers(&self) -> &KnownServers {
        &self.0.servers
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Whether tokens may come from this issuer.
    pub(super) fn allows(&self, issuer: &Issuer) -> bool {
        let allowed = &self.settings().allowed;
        allowed.is_empty() || allowed.contains(issuer)
    }

    /// Whether the application itself has named this issuer.
    pub(super) fn has_named(&self, issuer: &Issuer) -> bool {
        let settings = self.settings();
        settings.allowed.contains(issuer) || self.pre_registered(issuer).is_some()
    }

    /// A URL of an issuer, or one that its metadata names.
    pub(super) fn place_of(&self, issuer: &Issuer, url: &str) -> Result<Place, FetchError> {
        let is_own = url::Url::parse(issuer.as_str()).is_ok_and(|issuer| {
            url::Url::parse(url).is_ok_and(|url| url.origin() == issuer.origin())
        });
        if self.0.endpoint.shares_origin_with(url) || (is_own && self.has_named(issuer)) {
            WebClient::trusted(url)
        } else {
            self.0.web.foreign(url)
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", self.endpoint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CL-090: who is asked wherever it is, and who at public addresses alone.
    #[test]
    fn what_the_application_names_is_trusted_and_what_documents_name_is_not() {
        let issuer = |text: &str| text.parse::<Issuer>().unwrap();
        let builder = || Client::builder("https://mcp.example.com/mcp".parse().unwrap());
        let (inside, here) = (issuer("https://10.0.0.1"), issuer("http://127.0.0.1:1"));
        let stranger = builder().build().unwrap();
        let place =
            |client: &Client, issuer: &Issuer, url: &str| client.place_of(issuer, url).map(drop);
        assert_eq!(
            place(&stranger, &inside, "https://10.0.0.1/token"),
            Err(FetchError::Address)
        );
        assert_eq!(
            place(&stranger, &here, "http://127.0.0.1:1/token"),
            Err(FetchError::Scheme)
        );
        let public = issuer("https://as.example.com");
        for (url, expected) in [
            ("https://as.example.com/token", Ok(())),
            ("https://mcp.example.com/token", Ok(())),
            ("https://10.0.0.1/token", Err(FetchError::Address)),
            ("http://as.example.com/token", Err(FetchError::Scheme)),
        ] {
            assert_eq!(place(&stranger, &public, url), expected, "{url}");
        }
        let proof = ClientAuthentication::none("c");
        for knowing in [
            builder()
                .allow_issuer(inside.clone())
                .allow_issuer(here.clone()),
            builder()
                .pre_registered(inside.clone(), proof.clone())
                .pre_registered(here.clone(), proof.clone()),
        ] {
            let client = knowing.build().unwrap();
            assert_eq!(place(&client, &inside, "https://10.0.0.1/token"), Ok(()));
            assert_eq!(place(&client, &here, "http://127.0.0.1:1/token"), Ok(()));
            // What such an issuer names on another origin is still only named by a document.
            for other in ["https://10.0.0.2/token", "https://10.0.0.1:444/token"] {
                assert_eq!(place(&client, &inside, other), Err(FetchError::Address));
            }
        }
    }
}
