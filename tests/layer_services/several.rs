//! Several guards in one application, and one guard several times.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use clearance::limit::Quota;
use clearance::mcp::ToolError;
use clearance::mcp::method::ToolsList;
use clearance::{AuthorizationLayer, Authorized, Guard, GuardBuilder, metadata_routes};
use serde_json::json;
use tower::Layer as _;

use crate::support::around::{T0, WEATHER, World, at, send, serve};
use crate::support::request::{MODERN, Request as Call, code_of, messages};
use crate::support::{Fixture, ToolsRead, plain, spawn};

/// Another guard of the same issuer, for another resource.
async fn guard_of(world: &World, resource: &str) -> Guard<Fixture> {
    let guard = Guard::<Fixture>::builder(resource.parse().expect("a resource"))
        .baseline::<ToolsRead>()
        .clock(std::sync::Arc::new(world.clock.clone()))
        .issuer(world.issuer.id().clone())
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    guard
}

fn layer_of(guard: &Guard<Fixture>) -> AuthorizationLayer {
    plain::layer(guard).build().expect("a layer")
}

const A: &str = "https://mcp.example.com/a/mcp";
const B: &str = "https://mcp.example.com/b/mcp";

/// RS-035: each of two resources has its own document and takes its own tokens.
#[tokio::test]
async fn two_resources_in_one_application() {
    let world = World::new().await;
    let [a, b] = [guard_of(&world, A).await, guard_of(&world, B).await];
    let mcp = || {
        let spy = world.spy.clone();
        any(async move |request: Request| spy.serve(request).await.expect("an answer"))
    };
    let router = Router::new()
        .route("/a/mcp", mcp().layer(layer_of(&a)))
        .route("/b/mcp", mcp().layer(layer_of(&b)))
        .merge(metadata_routes([&a, &b]).expect("two documents"));
    let (address, task) = spawn(router).await;
    for (path, resource) in [("/a/mcp", A), ("/b/mcp", B)] {
        let metadata = format!("/.well-known/oauth-protected-resource{path}");
        let answer = send(address, &at(&metadata, Call::new(MODERN, "GET"))).await;
        let document: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(document["resource"], resource);
        for audience in [A, B] {
            let token = world.issuer.token().scope(T0).audience(audience).mint();
            let call = at(path, Call::new(MODERN, WEATHER).bearer(&token));
            let answer = send(address, &call).await;
            let is_own = audience == resource;
            assert_eq!(answer.status, if is_own { 200 } else { 401 });
            assert_eq!(world.spy.take().len(), usize::from(is_own));
            if !is_own {
                let challenge = answer.header("www-authenticate").expect("a challenge");
                assert!(challenge.contains(&format!("https://mcp.example.com{metadata}")));
            }
        }
    }
    task.abort();
}

/// A layer within the layer of another guard wants a token of its own, and there is none left.
#[tokio::test]
async fn one_guard_does_not_speak_for_another() {
    let world = World::new().await;
    let [a, b] = [guard_of(&world, A).await, guard_of(&world, B).await];
    // Good for both of them.
    let token = world.issuer.token().scope(T0);
    let token = token.audience(json!([A, B])).mint();
    let call = Call::new(MODERN, WEATHER).bearer(&token);
    for (outer, inner, status) in [(&a, &b, 401), (&b, &a, 401), (&a, &a, 200)] {
        let both = layer_of(outer).layer(layer_of(inner).layer(world.function()));
        let (address, task) = serve(both).await;
        let answer = send(address, &call).await;
        assert_eq!(answer.status, status);
        assert_eq!(world.spy.take().len(), usize::from(status == 200));
        task.abort();
    }
}

const REQUESTS: u32 = 5;

fn few(
    builder: GuardBuilder<Fixture, clearance::Ready>,
) -> GuardBuilder<Fixture, clearance::Ready> {
    builder.limit(Quota::per_hour(1).burst(REQUESTS))
}

/// One guard twice on the way charges once.
#[tokio::test]
async fn a_layer_within_itself_charges_once() {
    let world = World::with(few).await;
    let both = world.layer().layer(world.layer().layer(world.function()));
    let (address, task) = serve(both).await;
    for _ in 0..REQUESTS {
        assert_eq!(send(address, &world.call(WEATHER)).await.status, 200);
    }
    assert_eq!(send(address, &world.call(WEATHER)).await.status, 429);
    assert_eq!(world.spy.take().len(), 5);
    task.abort();
}

async fn weather(auth: Authorized<ToolsRead>) -> Result<String, ToolError> {
    Ok(auth.subject().to_string())
}

fn router_of(guard: &Guard<Fixture>) -> Router {
    clearance::mcp::Router::new(guard)
        .tool("get_weather", weather)
        .list(ToolsList.demanding::<ToolsRead>())
        .build()
        .expect("a router")
}

/// A router of the protocol behind the layer.
fn router(world: &World) -> Router {
    router_of(&world.guard).layer(world.layer())
}

/// A router of the same guard behind the layer neither verifies nor charges again.
#[tokio::test]
async fn a_router_behind_the_layer_charges_once() {
    let world = World::with(few).await;
    let (address, task) = spawn(router(&world)).await;
    for _ in 0..REQUESTS {
        let answer = send(address, &world.call(WEATHER)).await;
        assert_eq!(answer.status, 200);
        let text = &messages(&answer)[0]["result"]["content"][0]["text"];
        assert_eq!(text, "alice");
    }
    let answer = send(address, &world.call(WEATHER)).await;
    assert_eq!((answer.status, code_of(&answer)), (429, 42900));
    task.abort();
}

/// RS-119: and a batch costs as many requests as it has, not more.
#[tokio::test]
async fn a_batch_through_both_is_charged_once() {
    let world = World::with(few).await;
    let (address, task) = spawn(router(&world)).await;
    let batch = |count: usize| {
        let calls = vec![WEATHER; count].join(" + ");
        let token = world.issuer.token().scope(T0).mint();
        Call::new("2025-03-26", &format!("batch {calls}")).bearer(&token)
    };
    let answer = send(address, &batch(5)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(messages(&answer)[0].as_array().map(Vec::len), Some(5));
    assert_eq!(send(address, &batch(1)).await.status, 429);
    task.abort();
}

/// The router of another guard lets nobody in whom the layer let in.
#[tokio::test]
async fn a_router_of_another_guard_lets_nobody_in() {
    let world = World::new().await;
    let other = guard_of(&world, crate::support::E).await;
    let (address, task) = spawn(router_of(&other).layer(world.layer())).await;
    let answer = send(address, &world.call(WEATHER)).await;
    assert_eq!((answer.status, code_of(&answer)), (401, 40100));
    task.abort();
}
