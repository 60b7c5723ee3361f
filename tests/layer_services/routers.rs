//! Around functions and routes of axum, and served by hyper alone.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, get, post};
use tower::Layer as _;

use crate::support::around::{DELETE, WEATHER, World, at, send, serve};
use crate::support::client::Connection;
use crate::support::request::{MODERN, Request as Call};
use crate::support::{M_PATH, spawn};

/// A function behind the layer, as the service of an axum router.
#[tokio::test]
async fn around_a_function() {
    let world = World::new().await;
    let service = world.layer().layer(world.function::<Body>());
    let (address, task) = spawn(Router::new().fallback_service(service)).await;
    world.is_guarded_at(address, "/mcp").await;
    world.is_guarded_at(address, "/any/other/path?x=1").await;
    // What the layer answers by itself.
    let metadata = send(address, &at(M_PATH, Call::new(MODERN, "GET"))).await;
    assert_eq!(metadata.status, 200);
    assert!(world.spy.take().is_empty());
    task.abort();
}

/// Hyper without axum, HTTP/1.1 and HTTP/2.
#[tokio::test]
async fn served_by_hyper_alone() {
    let world = World::new().await;
    let (address, task) = serve(world.layer().layer(world.function())).await;
    world.is_guarded_at(address, "/mcp").await;
    for (mut connection, name) in [
        (Connection::http1(address).await, "HTTP/1.1"),
        (Connection::http2(address).await, "HTTP/2"),
    ] {
        for (call, status) in [(WEATHER, 200), (DELETE, 403), (WEATHER, 200)] {
            let call = world.call(call);
            let mut answer = connection.open(&call).await;
            assert_eq!(answer.status(), status, "{name}");
            answer.rest().await;
            let seen = world.spy.take();
            assert_eq!(seen.len(), usize::from(status == 200), "{name}");
            assert!(seen.iter().all(|seen| seen.body == call.body), "{name}");
        }
        let answer = connection.open(&Call::new(MODERN, WEATHER)).await;
        assert_eq!(answer.status(), 401, "{name}");
    }
    task.abort();
}

/// One route of a router is guarded, and those beside it are as they were.
#[tokio::test]
async fn around_one_route() {
    let world = World::new().await;
    let mcp = || {
        let spy = world.spy.clone();
        post(async move |request: Request| spy.serve(request).await.expect("an answer"))
    };
    let open = || get(async || "open");
    for router in [
        Router::new()
            .route("/mcp", mcp().layer(world.layer()))
            .route("/open", open()),
        Router::new()
            .route("/mcp", mcp().route_layer(world.layer()))
            .route("/open", open()),
        Router::new()
            .route("/mcp", mcp())
            .route_layer(world.layer())
            .route("/open", open()),
        Router::new()
            .route("/mcp", mcp())
            .layer(world.layer())
            .route("/open", open()),
    ] {
        let (address, task) = spawn(router).await;
        world.is_guarded_at(address, "/mcp").await;
        let other = send(address, &at("/open", Call::new(MODERN, "GET"))).await;
        assert_eq!((other.status, &*other.body), (200, "open"));
        task.abort();
    }
}

/// Below another path: the layer and the service see the rest of the path.
#[tokio::test]
async fn below_a_path() {
    let world = World::new().await;
    let spy = world.spy.clone();
    let mcp = any(async move |request: Request| spy.serve(request).await.expect("an answer"));
    let inner = Router::new().route("/mcp", mcp);
    let inside = Router::new().nest("/a", inner.clone().layer(world.layer()));
    let outside = Router::new().nest("/a", inner).layer(world.layer());
    for (router, metadata) in [(inside, 404), (outside, 200)] {
        let (address, task) = spawn(router).await;
        world.is_guarded_at(address, "/a/mcp").await;
        let asked = send(address, &at("/a/mcp?x=1", world.call(WEATHER))).await;
        assert_eq!(asked.status, 200);
        assert_eq!(world.spy.only().head.uri, "/mcp?x=1");
        let asked = send(address, &at(M_PATH, Call::new(MODERN, "GET"))).await;
        assert_eq!(asked.status, metadata);
        task.abort();
    }
}
