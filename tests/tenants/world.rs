//! Tenants on loopback, by path or by host, two issuers, and what is asked of them.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::missing_panics_doc,
    reason = "it is for the tests beside it"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use clearance::jwk::Algorithm;
use clearance::keys::FixedKeys;
use clearance::lifecycle::{Published, Revocation, RevocationSink, RevocationStore};
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use clearance::tenants::{Tenant, Tenants, TenantsBuilder};
use clearance::testing::{Issuer, ManualClock, TokenBuilder};
use clearance::{AuthorizationLayer, Guard, GuardBuilder, Ready, TrustedIssuer};
use serde_json::Value;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::support::client::{Connection, Stream, soon};
use crate::support::mcp::{Log, router};
use crate::support::request::{MODERN, Request, whole};
use crate::support::service::Service;
use crate::support::{Answer, Fixture, PATIENCE, ToolsRead, clock, plain, raw, spawn};

pub type Builder = GuardBuilder<Fixture, Ready>;

/// All that a token can name.
pub const ALL: &str = "mcp:tools.read files:read files:write a b";
pub const WEATHER: &str = "tools/call get_weather";
pub const METADATA: &str = "/.well-known/oauth-protected-resource";

/// By what tenants are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Host,
    Path,
}

pub const WAYS: [By; 2] = [By::Host, By::Path];

/// Both ways, with each of two more things or without it.
pub fn ways() -> impl Iterator<Item = (By, bool, bool)> {
    let all = WAYS.into_iter().flat_map(|by| [(by, true), (by, false)]);
    all.flat_map(|(by, one)| [(by, one, true), (by, one, false)])
}

impl By {
    pub const fn place(self) -> &'static str {
        match self {
            Self::Host => "https://{tenant}.example.com/mcp",
            Self::Path => "https://mcp.example.com/{tenant}/mcp",
        }
    }

    pub fn resource(self, name: &str) -> String {
        self.place().replace("{tenant}", name)
    }

    pub fn host(self, name: &str) -> String {
        match self {
            Self::Host => format!("{name}.example.com"),
            Self::Path => "mcp.example.com".to_owned(),
        }
    }

    pub fn path(self, name: &str) -> String {
        match self {
            Self::Host => "/mcp".to_owned(),
            Self::Path => format!("/{name}/mcp"),
        }
    }

    /// Where the tenant's metadata is.
    pub fn metadata(self, name: &str) -> String {
        format!("{METADATA}{}", self.path(name))
    }

    /// The URL of it, which challenges name.
    pub fn metadata_url(self, name: &str) -> String {
        format!("https://{}{}", self.host(name), self.metadata(name))
    }

    /// The same request for this tenant.
    pub fn to(self, name: &str, mut call: Request) -> Request {
        call.target = self.path(name);
        call.with("host", &self.host(name))
    }
}

/// A request whose host is among its fields.
pub async fn send(address: SocketAddr, call: &Request) -> Answer {
    let bytes = String::from_utf8(call.bytes()).expect("text");
    let bytes = bytes.replacen("host: t\r\n", "", 1);
    whole(soon(raw(address, bytes.as_bytes())).await)
}

/// The same without a connection.
pub async fn oneshot(tenants: &Tenants, call: &Request) -> http::Response<Body> {
    let mut request = http::Request::builder()
        .method(&*call.verb)
        .uri(&call.target);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(call.body.clone()));
    let answer = tenants.clone().oneshot(request.expect("a request")).await;
    answer.expect("an answer")
}

pub struct World {
    pub by: By,
    pub clock: ManualClock,
    /// Whom all tenants can trust.
    pub shared: Issuer,
    /// Another one. Both have a key of the same name.
    pub own: Issuer,
    pub tenants: Tenants,
    pub address: SocketAddr,
    pub task: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A tenant that is served.
pub struct Customer {
    pub name: &'static str,
    pub guard: Guard<Fixture>,
    /// What its handlers did, where it has handlers.
    pub log: Log,
}

pub async fn issuer(clock: &ManualClock) -> Issuer {
    Issuer::builder("https://mcp.example.com/mcp".parse().expect("a resource"))
        .clock(Arc::new(clock.clone()))
        .algorithms([Algorithm::EdDSA])
        .start()
        .await
        .expect("an issuer")
}

/// The policy of `support/plain.rs`, and streams.
pub fn layer(guard: &Guard<Fixture>) -> AuthorizationLayer {
    let policy = plain::policy().method(SubscriptionsListen, any_valid_token());
    let layer = AuthorizationLayer::builder(guard, policy).seal_keys(plain::keys());
    layer.build().expect("a layer")
}

impl World {
    pub async fn new(by: By) -> Self {
        Self::with(by, |tenants, _| tenants).await
    }

    pub async fn with(
        by: By,
        change: impl FnOnce(TenantsBuilder, &ManualClock) -> TenantsBuilder,
    ) -> Self {
        let clock = clock();
        let (shared, own) = (issuer(&clock).await, issuer(&clock).await);
        let tenants = Tenants::builder(by.place()).clock(Arc::new(clock.clone()));
        let tenants = change(tenants, &clock).build().expect("tenants");
        let (address, task) = spawn(Router::new().fallback_service(tenants.clone())).await;
        Self {
            by,
            clock,
            shared,
            own,
            tenants,
            address,
            task,
        }
    }

    /// A guard of this tenant that was given the keys of its issuer.
    pub fn guard(
        &self,
        name: &str,
        issuer: &Issuer,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Guard<Fixture> {
        guard(self.by, &self.clock, name, issuer, change)
    }

    /// A tenant with handlers.
    pub fn add(&self, name: &'static str, issuer: &Issuer) -> Customer {
        self.add_with(name, issuer, GuardBuilder::unlimited)
    }

    pub fn add_with(
        &self,
        name: &'static str,
        issuer: &Issuer,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Customer {
        let guard = self.guard(name, issuer, change);
        let log = Log::default();
        let tenant = handlers(&guard, &log);
        self.tenants.set(tenant).expect("its place");
        Customer { name, guard, log }
    }

    /// A tenant of this service behind a layer.
    pub fn add_service(&self, name: &'static str, issuer: &Issuer, service: &Service) -> Customer {
        let guard = self.guard(name, issuer, GuardBuilder::unlimited);
        let tenant = Tenant::new(&guard, service.router().layer(layer(&guard)));
        self.tenants.set(tenant).expect("its place");
        let log = Log::default();
        Customer { name, guard, log }
    }

    /// What one user has at a tenant: everywhere the same subject, client and `jti`.
    pub fn token<'i>(&self, issuer: &'i Issuer, name: &str) -> TokenBuilder<'i> {
        let token = issuer.token().subject("alice").client("editor").scope(ALL);
        token.token_id("one").audience(self.by.resource(name))
    }

    pub async fn ask(&self, name: &str, call: Request) -> Answer {
        send(self.address, &self.by.to(name, call)).await
    }

    /// Calls a tool of a tenant.
    pub async fn weather(&self, name: &str, token: &str) -> Answer {
        self.ask(name, Request::new(MODERN, WEATHER).bearer(token))
            .await
    }

    pub async fn document(&self, name: &str) -> Value {
        let mut get = self.by.to(name, Request::new(MODERN, "GET"));
        get.target = self.by.metadata(name);
        let answer = send(self.address, &get).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Opens a stream at a tenant on a connection of its own.
    pub async fn open(&self, name: &str, call: Request) -> (Connection, Stream) {
        let call = self.by.to(name, call);
        let mut connection = Connection::http1(self.address).await;
        let stream = connection.open(&call).await;
        (connection, stream)
    }

    /// That nothing of this token is let in at this tenant, and that the answer speaks of the tenant alone.
    pub async fn is_foreign(&self, at: &Customer, token: &str) {
        let before = at.guard.cache_stats().tokens;
        let answer = self.weather(at.name, token).await;
        assert_eq!(answer.status, 401, "at {}: {answer:?}", at.name);
        let challenge = answer.challenge();
        let value = |name: &str| {
            let found = challenge.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("error"), Some("invalid_token"));
        let own = self.by.metadata_url(at.name);
        assert_eq!(value("resource_metadata"), Some(own.as_str()));
        answer.assert_silent_about(token);
        assert!(at.log.take().is_empty(), "a handler of {} ran", at.name);
        assert_eq!(at.guard.cache_stats().tokens, before);
    }

    pub async fn is_let_in(&self, at: &Customer, token: &str) {
        let answer = self.weather(at.name, token).await;
        assert_eq!(answer.status, 200, "at {}: {answer:?}", at.name);
        assert_eq!(at.log.take(), ["get_weather"]);
    }
}

pub fn guard(
    by: By,
    clock: &ManualClock,
    name: &str,
    issuer: &Issuer,
    change: impl FnOnce(Builder) -> Builder,
) -> Guard<Fixture> {
    let keys = FixedKeys::from_json(issuer.jwks());
    let builder = Guard::<Fixture>::builder(by.resource(name).parse().expect("a resource"))
        .baseline::<ToolsRead>()
        .clock(Arc::new(clock.clone()))
        .refusal_budget(PATIENCE)
        .trusted_issuer(TrustedIssuer::with_keys(issuer.id().clone(), keys));
    change(builder).build().expect("a guard")
}

/// The handlers of `support/mcp.rs` over this guard.
pub fn handlers(guard: &Guard<Fixture>, log: &Log) -> Tenant {
    Tenant::new(guard, router(guard, log).build().expect("a router"))
}

/// A store of revocations that tenants may share: it gives all that is published to all who follow, at once.
#[derive(Debug, Default)]
pub struct Board(Mutex<(Vec<Revocation>, Vec<RevocationSink>)>);

impl RevocationStore for Board {
    fn publish<'a>(&'a self, revocation: &Revocation) -> Published<'a> {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for sink in &board.1 {
            sink.learn(revocation).expect("room");
        }
        board.0.push(revocation.clone());
        Box::pin(async { Ok(()) })
    }

    fn follow(&self, sink: RevocationSink) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for revocation in &board.0 {
            sink.learn(revocation).expect("room");
        }
        board.1.push(sink);
    }

    fn is_current(&self) -> bool {
        true
    }
}
