//! What the layer leaves in a request for those behind it: the proof, once, and nothing that could be
//! carried elsewhere.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    unreachable_pub,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{CorrelationId, TokenId};
use clearance::limit::Quota;
use clearance::mcp::{Policy, requires};
use clearance::scope::{KnownTo, Set};
use clearance::{
    AuthorizationLayer, Authorized, Caller, Guard, GuardBuilder, Guarded, Refusal, scopes,
};
use http::request::Parts;
use http::{Extensions, HeaderMap, Request};
use support::around::{T0, WEATHER, World, at, send, serve, with_body};
use support::client::Connection;
use support::request::{MODERN, Request as Call, code_of};
use support::{FilesRead, Fixture, TRACE, TRACE_PARENT, ToolsRead, parse_challenge, plain, spawn};
use tower::{Layer as _, ServiceExt as _};

/// A guard, and how often a handler ran.
struct App<V> {
    guard: Guard<V>,
    ran: Arc<AtomicU32>,
}

impl<V> Clone for App<V> {
    fn clone(&self) -> Self {
        Self {
            guard: self.guard.clone(),
            ran: Arc::clone(&self.ran),
        }
    }
}

impl<V> App<V> {
    fn of(guard: &Guard<V>) -> Self {
        Self {
            guard: guard.clone(),
            ran: Arc::default(),
        }
    }

    fn ran(&self) -> u32 {
        self.ran.load(Ordering::SeqCst)
    }
}

impl<V: clearance::scope::Vocabulary> Guarded for App<V> {
    type Vocabulary = V;
    fn guard(&self) -> &Guard<V> {
        &self.guard
    }
}

/// Demands `S`, and sees the fields that stand there before anybody could have taken one away.
async fn handler<V, S: Set>(
    headers: HeaderMap,
    auth: Authorized<S>,
    State(app): State<App<V>>,
) -> String {
    assert!(!headers.contains_key("authorization"));
    app.ran.fetch_add(1, Ordering::SeqCst);
    auth.subject().to_string()
}

/// A handler that demands `S` of this guard, behind a layer.
fn behind<V, S>(layer: AuthorizationLayer, app: &App<V>) -> Router
where
    V: clearance::scope::Vocabulary + Send + Sync + 'static,
    S: Set + KnownTo<V> + Send + 'static,
{
    Router::new()
        .fallback(any(handler::<V, S>))
        .with_state(app.clone())
        .layer(layer)
}

/// The handler behind the layer takes its proof from it: there is no credential any more that could be
/// verified, and the quota is charged once.
#[tokio::test]
async fn a_handler_takes_the_proof_of_the_layer() {
    const REQUESTS: u32 = 5;
    let world = World::with(|builder| builder.limit(Quota::per_hour(1).burst(REQUESTS))).await;
    let app = App::of(&world.guard);
    let (address, task) = spawn(behind::<_, ToolsRead>(world.layer(), &app)).await;
    for _ in 0..REQUESTS {
        let answer = send(address, &world.call(WEATHER)).await;
        assert_eq!((answer.status, &*answer.body), (200, "alice"));
    }
    let answer = send(address, &world.call(WEATHER)).await;
    assert_eq!((answer.status, code_of(&answer)), (429, 42900));
    assert_eq!(app.ran(), REQUESTS);
    task.abort();
}

/// RS-022, RS-088: what the policy lets through can still lack what the handler demands.
#[tokio::test]
async fn a_handler_may_demand_more_than_the_policy() {
    let world = World::new().await;
    let app = App::of(&world.guard);
    let (address, task) = spawn(behind::<_, FilesRead>(world.layer(), &app)).await;
    let answer = send(address, &world.call(WEATHER)).await;
    assert_eq!((answer.status, code_of(&answer)), (403, 40300));
    let challenge = parse_challenge(answer.header("www-authenticate").expect("a challenge"));
    let scope = ("scope".to_owned(), "files:read mcp:tools.read".to_owned());
    assert!(challenge.contains(&scope), "{challenge:?}");
    // One request has one name, also where another part of the application refuses it.
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let named = body["error"]["data"]["correlationId"].as_str();
    assert_eq!(named, answer.header("x-correlation-id"));
    assert!(named.is_some());
    assert_eq!(app.ran(), 0);
    let token = world
        .issuer
        .token()
        .scope("mcp:tools.read files:read")
        .mint();
    let call = Call::new(MODERN, WEATHER).bearer(&token);
    assert_eq!(send(address, &call).await.status, 200);
    assert_eq!(app.ran(), 1);
    task.abort();
}

/// The extensions of a request that the layer let through, for whoever might carry them elsewhere.
async fn carried(world: &World, token: &str) -> Extensions {
    let call = Call::new(MODERN, WEATHER).bearer(token);
    let request = with_body(&call, Body::from(call.body.clone()));
    let service = world.layer().layer(world.function());
    let answer = service.oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    world.spy.only().head.extensions
}

/// Another request, with nothing of its own.
fn other_request(extensions: &Extensions) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.extensions = extensions.clone();
    parts
}

/// A token for five minutes, which can be revoked.
fn short(world: &World) -> String {
    let token = world.issuer.token().scope(T0).token_id("t1");
    let end = world.clock.now() + TimeDelta::minutes(5);
    token.expires_at(end).mint()
}

async fn ask<S: Set + KnownTo<Fixture>>(
    world: &World,
    extensions: &Extensions,
) -> Result<(), &'static str> {
    let mut parts = other_request(extensions);
    let asked: Result<Authorized<S>, Refusal> = world.guard.authorize(&mut parts).await;
    asked
        .map(drop)
        .map_err(|refusal| refusal.reason().code().as_str())
}

/// What the layer answers to a request with these extensions and without a credential.
async fn ask_layer(world: &World, extensions: &Extensions) -> u16 {
    let call = Call::new(MODERN, WEATHER);
    let mut request = with_body(&call, Body::from(call.body.clone()));
    *request.extensions_mut() = extensions.clone();
    let service = world.layer().layer(world.function());
    let answer = service.oneshot(request).await.expect("an answer");
    answer.status().as_u16()
}

/// A request that brings a credential of its own is decided about by that, whatever it carries.
#[tokio::test]
async fn a_credential_of_its_own_counts() {
    let world = World::new().await;
    let rich = world
        .issuer
        .token()
        .scope("mcp:tools.read files:read")
        .mint();
    let extensions = carried(&world, &rich).await;
    assert_eq!(ask::<FilesRead>(&world, &extensions).await, Ok(()));
    let poor = world.issuer.token().subject("bob").mint();
    for (token, code) in [
        (&*poor, "insufficient_scope"),
        ("garbage", "malformed_segments"),
    ] {
        let mut parts = other_request(&extensions);
        let field = http::HeaderValue::try_from(format!("Bearer {token}")).expect("a field");
        parts.headers.insert("authorization", field);
        let asked: Result<Authorized<FilesRead>, Refusal> = world.guard.authorize(&mut parts).await;
        assert_eq!(
            asked
                .map(drop)
                .map_err(|refusal| refusal.reason().code().as_str()),
            Err(code)
        );
        assert!(!parts.headers.contains_key("authorization"));
    }
}

/// Extensions that were carried to another request are asked again each time, and die with their
/// token.
#[tokio::test]
async fn what_is_carried_over_expires() {
    let world = World::new().await;
    let extensions = carried(&world, &short(&world)).await;
    assert_eq!(ask::<ToolsRead>(&world, &extensions).await, Ok(()));
    // Never more than the token had.
    let more = ask::<FilesRead>(&world, &extensions).await;
    assert_eq!(more, Err("insufficient_scope"));
    // The last second of the leeway, and the one after it.
    world.clock.advance(TimeDelta::seconds(359));
    assert_eq!(ask::<ToolsRead>(&world, &extensions).await, Ok(()));
    assert_eq!(ask_layer(&world, &extensions).await, 200);
    world.clock.advance(TimeDelta::seconds(1));
    let over = ask::<ToolsRead>(&world, &extensions).await;
    assert_eq!(over, Err("expired"));
    assert_eq!(ask::<()>(&world, &extensions).await, Err("expired"));
    world.spy.take();
    assert_eq!(ask_layer(&world, &extensions).await, 401);
    assert!(world.spy.take().is_empty());
}

/// The same for a token that is revoked.
#[tokio::test]
async fn what_is_carried_over_is_revoked() {
    let world = World::new().await;
    let extensions = carried(&world, &short(&world)).await;
    assert_eq!(ask_layer(&world, &extensions).await, 200);
    let revocations = world.guard.revocations();
    revocations
        .revoke_token(world.issuer.id(), &TokenId::new("t1"))
        .expect("room");
    assert_eq!(ask::<ToolsRead>(&world, &extensions).await, Err("revoked"));
    world.spy.take();
    assert_eq!(ask_layer(&world, &extensions).await, 401);
    assert!(world.spy.take().is_empty());
}

/// Another guard, also one that was built alike, knows nothing of it.
#[tokio::test]
async fn what_is_carried_over_is_for_one_guard() {
    let world = World::new().await;
    let extensions = carried(&world, &short(&world)).await;
    let twin = support::strict(&world.issuer, &world.clock)
        .unlimited()
        .build()
        .expect("a guard");
    twin.ready().await.expect("keys");
    let mut parts = other_request(&extensions);
    let refused = twin.authorize::<()>(&mut parts).await;
    let refusal = refused.map(drop).expect_err("nobody is there");
    assert_eq!(refusal.reason().code().as_str(), "no_credential");
    // A clone is the same guard.
    let mut parts = other_request(&extensions);
    let clone = world.guard.clone();
    assert!(clone.authorize::<ToolsRead>(&mut parts).await.is_ok());
}

/// An application that passes its request on to another service, extensions and all, gains nothing
/// there.
#[tokio::test]
async fn another_service_is_not_opened_by_extensions() {
    let world = World::new().await;
    let other = Guard::<Fixture>::builder("https://other.example.com/mcp".parse().expect("a URI"))
        .clock(Arc::new(world.clock.clone()))
        .issuer(world.issuer.id().clone())
        .build()
        .expect("a guard");
    other.ready().await.expect("keys");
    let app = App::of(&other);
    let by_layer = plain::layer(&other).build().expect("a layer");
    let by_layer = by_layer.layer(world.function());
    let by_handler = Router::new()
        .fallback(any(handler::<Fixture, ToolsRead>))
        .with_state(app.clone());
    // The application: it changes nothing of the request but where it goes.
    let passes_on = async move |request: axum::extract::Request| {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let mut second = Request::from_parts(head.clone(), Body::from(body.clone()));
        *second.uri_mut() = "/elsewhere".parse().expect("a path");
        let layered = by_layer.oneshot(second).await.expect("an answer");
        let first = Request::from_parts(head, Body::from(body));
        let handled = by_handler.oneshot(first).await.expect("an answer");
        format!(
            "{} {}",
            layered.status().as_u16(),
            handled.status().as_u16()
        )
    };
    let router = Router::new().fallback(any(passes_on)).layer(world.layer());
    let (address, task) = spawn(router).await;
    let answer = send(address, &world.call(WEATHER)).await;
    assert_eq!((answer.status, &*answer.body), (200, "401 401"));
    assert_eq!(app.ran(), 0);
    assert!(world.spy.take().is_empty());
    task.abort();
}

mod colliding {
    //! Two vocabularies whose first scopes have the same bit.
    use clearance::scopes;

    scopes! {
        /// Of a guest book.
        pub vocabulary Guests;
        pub Look = "guests:look";
        pub Write = "guests:write";
    }
}

use colliding::{Guests, Look, Write};

scopes! {
    /// Of a bank.
    vocabulary Bank;
    Pay = "bank:pay";
    Close = "bank:close";
}

/// RS-121: bits of one vocabulary mean nothing in another one: what the layer of the guest book let in
/// is nobody at the bank.
#[tokio::test]
async fn guards_whose_bits_collide_do_not_serve_one_another() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    // Even for one resource, whose tokens both would take.
    let guests = Guard::<Guests>::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .issuer(issuer.id().clone())
        .build()
        .expect("a guard");
    let bank = Guard::<Bank>::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .issuer(issuer.id().clone())
        .build()
        .expect("a guard");
    guests.ready().await.expect("keys");
    bank.ready().await.expect("keys");
    let of_guests = AuthorizationLayer::builder(
        &guests,
        Policy::closed().tool("get_weather", requires::<(Look, Write)>()),
    );
    let of_guests = of_guests.seal_keys(plain::keys()).build().expect("a layer");
    let of_bank = AuthorizationLayer::builder(
        &bank,
        Policy::closed().tool("get_weather", requires::<(Pay, Close)>()),
    );
    let of_bank = of_bank.seal_keys(plain::keys()).build().expect("a layer");
    let (at_guests, at_bank) = (App::of(&guests), App::of(&bank));
    let small = issuer.token().scope("guests:look guests:write").mint();
    let large = issuer.token().scope("bank:pay bank:close").mint();
    let both = "guests:look guests:write bank:pay bank:close";
    let both = issuer.token().scope(both).mint();
    for (router, token, status) in [
        (behind::<_, Pay>(of_guests.clone(), &at_bank), &small, 401),
        (behind::<_, Pay>(of_guests.clone(), &at_bank), &both, 401),
        (behind::<_, ()>(of_guests.clone(), &at_bank), &both, 401),
        (behind::<_, Look>(of_bank.clone(), &at_guests), &large, 401),
        (behind::<_, Look>(of_bank.clone(), &at_guests), &both, 401),
        // Each at home.
        (
            behind::<_, Look>(of_guests.clone(), &at_guests),
            &small,
            200,
        ),
        (behind::<_, Pay>(of_bank.clone(), &at_bank), &large, 200),
        // And one layer is no way through the other one.
        (
            behind::<_, Pay>(of_bank.clone(), &at_bank).layer(of_guests),
            &both,
            401,
        ),
        (behind::<_, Pay>(of_bank, &at_bank), &small, 403),
    ] {
        let (address, task) = spawn(router).await;
        let call = Call::new(MODERN, WEATHER).bearer(token);
        let answer = send(address, &call).await;
        assert_eq!(answer.status, status, "{answer:?}");
        task.abort();
    }
    assert_eq!((at_guests.ran(), at_bank.ran()), (1, 1));
}

/// RS-120: credentials are gone behind the layer, whatever their case, and nothing else is.
#[tokio::test]
async fn credentials_are_gone_behind_the_layer() {
    let world = World::new().await;
    let (address, task) = serve(world.layer().layer(world.function())).await;
    let (name, trace) = TRACE_PARENT.split_once(": ").expect("a field");
    let call = world
        .call(WEATHER)
        .with("dpop", "a.b.c")
        .with("cookie", "a=b")
        .with("x-a", "1")
        .also("x-a", "2")
        .with(name, trace);
    let mut connections = [
        Connection::http1(address).await,
        Connection::http2(address).await,
    ];
    for connection in &mut connections {
        assert_eq!(connection.open(&call).await.status(), 200);
        let seen = world.spy.only();
        for (name, _) in &call.headers {
            let sent = call.headers.iter().filter(|(known, _)| known == name);
            let sent: Vec<_> = sent.map(|(_, value)| value.as_bytes()).collect();
            let is_secret = ["authorization", "dpop"].contains(&name.as_str());
            let expected = if is_secret { Vec::new() } else { sent };
            assert_eq!(seen.fields(name), expected, "{name}");
        }
        let token = call
            .headers
            .iter()
            .find(|(name, _)| name == "authorization");
        let (_, token) = token.expect("a credential");
        let shown = format!("{:?} {:#?}", seen.head, seen.head.extensions);
        for part in token.split(['.', ' ']).filter(|part| part.len() > 8) {
            assert!(!shown.contains(part), "{shown}");
        }
    }
    // Where a credential is hidden further outside, its ticket is gone as well.
    let layered = world.layer().layer(world.function());
    let hidden = world.guard.credential_layer().layer(layered);
    let (address, hides) = serve(hidden).await;
    assert_eq!(send(address, &world.call(WEATHER)).await.status, 200);
    assert!(world.spy.only().fields("authorization").is_empty());
    task.abort();
    hides.abort();
}

/// Who calls, for logs and inner middleware.
#[tokio::test]
async fn the_caller_is_told() {
    let world = World::new().await;
    let (address, task) = serve(world.layer().layer(world.function())).await;
    let token = world.issuer.token().scope("mcp:tools.read mcp:admin x");
    let token = token.subject("bob").client("app").mint();
    let (name, trace) = TRACE_PARENT.split_once(": ").expect("a field");
    let call = Call::new(MODERN, WEATHER).bearer(&token).with(name, trace);
    let answer = send(address, &at("/mcp", call)).await;
    assert_eq!(answer.header("x-correlation-id"), Some(TRACE));
    let seen = world.spy.only();
    let caller: &Caller = seen.head.extensions.get().expect("a caller");
    assert_eq!(caller.issuer(), world.issuer.id());
    assert_eq!(caller.subject().as_str(), "bob");
    assert_eq!(caller.client().as_str(), "app");
    assert_eq!(
        caller.correlation_id(),
        CorrelationId::of(&seen.head.headers)
    );
    assert_eq!(caller.correlation_id().as_str(), TRACE);
    // What the token names, and not what is included in that.
    let scopes: Vec<_> = caller.scopes().collect();
    assert_eq!(scopes, ["mcp:tools.read", "mcp:admin"]);
    // Another request is another one, though the caller is the same.
    let again = Call::new(MODERN, WEATHER).bearer(&token);
    let answer = send(address, &again).await;
    let seen = world.spy.only();
    let caller: &Caller = seen.head.extensions.get().expect("a caller");
    let told = answer.header("x-correlation-id");
    assert_eq!(told, Some(caller.correlation_id().as_str()));
    assert_ne!(told, Some(TRACE));
    task.abort();
}

/// A rule that denies is asked for each proof.
#[tokio::test]
async fn who_is_denied_has_no_proof() {
    let world = World::with(|builder| {
        GuardBuilder::unlimited(builder).deny_if(|auth| auth.subject().as_str() == "mallory")
    })
    .await;
    let app = App::of(&world.guard);
    let (address, task) = spawn(behind::<_, ToolsRead>(world.layer(), &app)).await;
    let token = world.issuer.token().scope(T0).subject("mallory").mint();
    let answer = send(address, &Call::new(MODERN, WEATHER).bearer(&token)).await;
    assert_eq!((answer.status, code_of(&answer)), (403, 40301));
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(app.ran(), 0);
    task.abort();
}
