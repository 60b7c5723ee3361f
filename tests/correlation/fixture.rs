//! A layer with everything that can refuse, and requests that are answered in every way.

use std::time::Duration;

use axum::Router;
use clearance::id::TokenId;
use clearance::limit::Quota;
use clearance::testing::Fault;
use clearance::{AuthorizationLayer, GuardBuilder, TlsEvidence};
use tower::Layer as _;

use crate::support::M_PATH;
use crate::support::around::{DELETE, T0, WEATHER, World, at, serve};
use crate::support::mcp::{DENIED, REVOKED};
use crate::support::plain;
use crate::support::request::{MODERN, Request};
use crate::support::service::{LEGACY, Service};

/// What is asked for, how it is answered, and the reason in the span where there is one.
#[derive(Clone)]
pub struct Case {
    pub what: &'static str,
    pub request: Request,
    pub status: u16,
    pub reason: Option<&'static str>,
}

fn case(what: &'static str, request: Request, status: u16, reason: &'static str) -> Case {
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    Case {
        what,
        request,
        status,
        reason,
    }
}

/// A session id that nobody is to see in a log.
pub const SESSION: &str = "inner-1";

/// A server whose service keeps sessions.
pub struct Site {
    pub world: World,
    pub address: std::net::SocketAddr,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A guard that denies one, and has revoked one.
pub async fn world() -> World {
    let world = World::with(|builder| {
        GuardBuilder::unlimited(builder).deny_if(|auth| auth.subject().as_str() == DENIED)
    })
    .await;
    let revoked = TokenId::new(REVOKED);
    let revocations = world.guard.revocations();
    revocations
        .revoke_token(world.issuer.id(), &revoked)
        .expect("room");
    world
}

impl Site {
    pub async fn new() -> Self {
        let world = world().await;
        let layer = plain::layer(&world.guard)
            .allow_host("t")
            .allow_origin("https://app.example.com")
            .max_body(4_096)
            .body_timeout(Duration::from_secs(20))
            .build()
            .expect("a layer");
        Self::of(world, layer).await
    }

    pub async fn of(world: World, layer: AuthorizationLayer) -> Self {
        let service = Service::default();
        let router: Router = service.router().layer(layer);
        let (address, task) = crate::support::spawn(router).await;
        Self {
            world,
            address,
            task,
        }
    }

    pub fn token(&self, scopes: &str) -> String {
        self.world.issuer.token().scope(scopes).mint()
    }

    /// One request for each way to be answered.
    pub fn cases(&self) -> Vec<Case> {
        [
            self.answered(),
            self.refused_tokens(),
            self.refused_calls(),
            self.refused_forms(),
        ]
        .concat()
    }

    fn ok(&self) -> Request {
        self.world.call(WEATHER)
    }

    /// A call in a revision that has sessions.
    fn old(&self, call: &str) -> Request {
        Request::new(LEGACY, call).bearer(&self.token(T0))
    }

    /// What nobody needs a good token for, and what is allowed.
    fn answered(&self) -> Vec<Case> {
        let page = |request: Request| request.with("origin", "https://app.example.com");
        let preflight = page(none_of("OPTIONS")).with("access-control-request-method", "POST");
        let begun = self.old("notifications/initialized");
        let no_document = at(&format!("{M_PATH}?x"), none_of("GET"));
        let host = self.ok().with("host", "evil.example");
        let foreign_page = self.ok().with("origin", "null");
        vec![
            case("allowed", self.ok(), 200, ""),
            case("a page", page(self.ok()), 200, ""),
            case("a session begins", self.old("initialize"), 200, ""),
            case("a notification", begun, 400, ""),
            case("preflight", preflight, 204, ""),
            case("metadata", at(M_PATH, none_of("GET")), 200, ""),
            case("no such document", no_document, 404, ""),
            case("a foreign host", host, 403, "foreign_host"),
            case("a foreign page", foreign_page, 403, "foreign_origin"),
        ]
    }

    fn refused_tokens(&self) -> Vec<Case> {
        let token = || self.world.issuer.token().scope(T0);
        let none = || Request::new(MODERN, WEATHER);
        let with =
            |what, token: &str, status, reason| case(what, none().bearer(token), status, reason);
        let expired = token().expired().mint();
        let signature = token().wrong_signature().mint();
        let revoked = token().token_id(REVOKED).mint();
        let unknown = token().unknown_key().mint();
        let denied = token().subject(DENIED).mint();
        let no_bearer = none().with("authorization", "Bearer ");
        let two = self.ok().also("authorization", "Basic x");
        vec![
            case("no token", none(), 401, "no_credential"),
            case("no token, GET", none_of("GET"), 401, "no_credential"),
            with("a token that is none", "a.b.c", 401, "malformed_base64"),
            with("an expired token", &expired, 401, "expired"),
            with("a bad signature", &signature, 401, "bad_signature"),
            with("revoked", &revoked, 401, "revoked"),
            with("an unknown key", &unknown, 401, "unknown_key"),
            case("no bearer token", no_bearer, 400, "malformed_credential"),
            case("two credentials", two, 400, "repeated_credential"),
            with("denied", &denied, 403, "denied"),
        ]
    }

    fn refused_calls(&self) -> Vec<Case> {
        let call = |what, call, status, reason| case(what, self.world.call(call), status, reason);
        let session = |what, call, status, reason| {
            let request = self.old(call).with("mcp-session-id", "x.y");
            case(what, request, status, reason)
        };
        vec![
            call("lacks scope", DELETE, 403, "insufficient_scope"),
            call("no rule", "tools/call no_such_tool", 403, "denied"),
            call("no method", "no/such_method", 404, "unknown_name"),
            session("no session", WEATHER, 404, "unknown_session"),
            session("no session, GET", "GET", 404, "unknown_session"),
            call("another verb", "PUT", 405, ""),
        ]
    }

    fn refused_forms(&self) -> Vec<Case> {
        let malformed = |what, request| case(what, request, 400, "malformed_request");
        let version = self.old(WEATHER);
        let version = version.with("mcp-protocol-version", "1900-01-01");
        let long = self.ok().body(&" ".repeat(5_000));
        let text = self.ok().with("content-type", "text/plain");
        vec![
            malformed("no JSON", self.ok().body("{")),
            malformed("no message", self.ok().body("3")),
            malformed("fields that differ", self.ok().with("mcp-name", "x")),
            malformed("no such version", version),
            case("a long body", long, 413, ""),
            case("another type", text, 415, "media_type"),
        ]
    }
}

fn none_of(verb: &str) -> Request {
    Request::new(LEGACY, verb)
}

/// Cases that need a guard of their own: too many requests, keys that cannot be had, plain text.
pub async fn later() -> Vec<(Site, Case)> {
    let busy = World::with(|builder| builder.limit(Quota::per_hour(1))).await;
    let layer = busy.layer();
    let busy = Site::of(busy, layer).await;
    let call = busy.world.call(WEATHER);
    let answer = crate::support::client::send(busy.address, &call).await;
    assert_eq!(answer.status, 200);
    let limited = case("too many", call, 429, "limit_exceeded");

    let lost = World::with(GuardBuilder::unlimited).await;
    lost.issuer.fault(Fault::Status(500));
    lost.clock.advance(chrono::TimeDelta::days(30));
    let layer = lost.layer();
    let lost = Site::of(lost, layer).await;
    let unavailable = case("no keys", lost.world.call(WEATHER), 503, "unavailable");

    let open = World::with(GuardBuilder::unlimited).await;
    let layer = plain::layer(&open.guard).require_tls(TlsEvidence::from_acceptor());
    let layer = layer.build().expect("a layer");
    let open = Site::of(open, layer).await;
    let plain_text = case(
        "in plain text",
        open.world.call(WEATHER),
        403,
        "not_encrypted",
    );
    vec![(busy, limited), (lost, unavailable), (open, plain_text)]
}

/// Served by hyper alone, around a service that names its answers itself.
pub async fn opinionated(world: &World) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let service = tower::service_fn(|_: http::Request<_>| async {
        let answer = http::Response::builder().header("x-correlation-id", "mine");
        let answer = answer.header("x-correlation-id", "mine too");
        let answer = answer.body(http_body_util::Empty::<hyper::body::Bytes>::new());
        Ok::<_, std::convert::Infallible>(answer.expect("an answer"))
    });
    serve(world.layer().layer(service)).await
}
