//! An MCP endpoint, and the authorization server that its metadata names.

use clearance::client::{
    AwaitingRedirect, Challenge, Client, ClientBuilder, Discovered, DiscoveryError, Redirect,
    Registered, TokenSet,
};
use clearance::testing::ManualClock;
use http::HeaderMap;
use http::header::{LOCATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use super::authorization_server::MockServer;
use super::site::{Log, Reply, Site};

/// Where the browser comes back to. Nobody listens there.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:49152/callback";

pub(crate) struct World {
    pub(crate) log: Log,
    pub(crate) mcp: Site,
    pub(crate) server: MockServer,
    pub(crate) endpoint: String,
    pub(crate) clock: ManualClock,
    resource: Arc<Mutex<Value>>,
}

/// Where the metadata of the endpoint is, and that of its origin.
pub(crate) const M: &str = "/.well-known/oauth-protected-resource/mcp";
pub(crate) const R: &str = "/.well-known/oauth-protected-resource";

impl World {
    /// The endpoint has metadata at its own place, and everybody does what is right.
    pub(crate) async fn start() -> Self {
        Self::with_issuer_path("").await
    }

    pub(crate) async fn with_issuer_path(path: &str) -> Self {
        let log = Log::default();
        let mcp = Site::start(&log, "mcp").await;
        let server = MockServer::start(&log, "as", path).await;
        let endpoint = format!("{}/mcp", mcp.origin);
        let said = json!({"resource": endpoint, "authorization_servers": [server.issuer]});
        let resource = Arc::new(Mutex::new(said));
        let shared = Arc::clone(&resource);
        mcp.on(&format!("GET {M}"), move |_| {
            Reply::json(200, &shared.lock().unwrap())
        });
        Self {
            log,
            mcp,
            server,
            endpoint,
            clock: ManualClock::at_fixed_start(),
            resource,
        }
    }

    /// The endpoint's metadata say this; null takes the member away.
    pub(crate) fn says(&self, name: &str, value: Value) {
        let mut resource = self.resource.lock().unwrap();
        let members = resource.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }

    /// What the endpoint's metadata say.
    pub(crate) fn said(&self) -> Value {
        self.resource.lock().unwrap().clone()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(self.endpoint.parse().unwrap()).clock(Arc::new(self.clock.clone()))
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// The client that knows nothing, after a 401 that says nothing.
    pub(crate) async fn discover(&self) -> Result<Discovered, DiscoveryError> {
        self.client().discover(&Challenge::default()).await
    }

    pub(crate) async fn registered(&self) -> Registered {
        self.registered_as(&self.client()).await
    }

    pub(crate) async fn registered_as(&self, client: &Client) -> Registered {
        let discovered = client.discover(&Challenge::default()).await.unwrap();
        discovered
            .register(REDIRECT.parse().unwrap())
            .await
            .unwrap()
    }

    pub(crate) async fn awaiting(&self) -> AwaitingRedirect {
        self.registered().await.authorize().unwrap()
    }

    /// All of the flow.
    pub(crate) async fn tokens_of(&self, client: &Client) -> TokenSet {
        let awaiting = self.registered_as(client).await.authorize().unwrap();
        let redirect = browse(awaiting.url()).await;
        awaiting.redirected(&redirect).await.unwrap()
    }
}

/// A challenge with this value.
pub(crate) fn challenge(value: &str) -> Challenge {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, value.parse().unwrap());
    Challenge::from_headers(&headers)
}

/// Follows the URL as a browser does, up to the redirect that leads back.
pub(crate) async fn location(url: &str) -> String {
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let answer = browser.get(url).send().await.unwrap();
    let location = answer.headers().get(LOCATION).unwrap();
    location.to_str().unwrap().to_owned()
}

pub(crate) async fn browse(url: &str) -> Redirect {
    Redirect::from_url(&location(url).await)
}
