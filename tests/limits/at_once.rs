//! What happens at once.

use axum::Router;
use clearance::limit::Quota;
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use clearance::mcp::{Params, ToolError};
use clearance::{Authorized, Guard};
use serde::Deserialize;

use super::world::serve;
use crate::support::client::{Connection, Stream, open, soon};
use crate::support::mcp::{Log, McpServer};
use crate::support::request::{MODERN, Request};
use crate::support::service::{LEGACY, Service};
use crate::support::{Answer, Fixture, plain};

const EXPORT: &str = "tools/call export";

async fn behind_layer(service: &Service, most: u32) -> McpServer {
    serve(
        |guard| guard.unlimited().calls_at_once(most).streams_at_once(most),
        |guard, _: &Log| {
            let policy = plain::policy().method(SubscriptionsListen, any_valid_token());
            let layer = clearance::AuthorizationLayer::builder(guard, policy);
            let layer = layer.seal_keys(plain::keys()).build().expect("a layer");
            service.router().layer(layer)
        },
    )
    .await
}

fn asks(server: &McpServer, who: &str, revision: &str, what: &str) -> Request {
    let token = server.scoped("files:read").subject(who).mint();
    Request::new(revision, what).bearer(&token)
}

async fn status(server: &McpServer, request: &Request) -> (u16, Option<String>) {
    let answer: Answer = server.send(request).await;
    let policy = answer.header("ratelimit-policy").map(str::to_owned);
    (answer.status, policy)
}

fn busy(policy: &str, most: u32) -> (u16, Option<String>) {
    let policy = format!("\"{policy}\";q={most};qu=\"concurrent-requests\"");
    (429, Some(policy))
}

type Opened = (Connection, Stream);

async fn opened(server: &McpServer, request: &Request) -> Opened {
    let (connection, stream) = open(server.address, request).await;
    assert_eq!(stream.status(), 200);
    (connection, stream)
}

/// A call takes its place until its answer has ended, whichever way it ends.
#[tokio::test]
async fn calls_have_places() {
    let service = Service::default();
    let server = behind_layer(&service, 2).await;
    let export = asks(&server, "alice", MODERN, EXPORT);
    let first = opened(&server, &export).await;
    let (_held, mut second) = opened(&server, &export).await;
    assert_eq!(status(&server, &export).await, busy("calls", 2));
    // Any call of the same principal, and none of another one.
    let ping = asks(&server, "alice", MODERN, "tools/call whoami");
    assert_eq!(status(&server, &ping).await, busy("calls", 2));
    let other = asks(&server, "bob", MODERN, "tools/call whoami");
    assert_eq!(status(&server, &other).await.0, 200);
    // One client goes away.
    let feeds = service.feeds();
    drop(first);
    feeds[0].dropped().await;
    assert_eq!(status(&server, &ping).await.0, 200);
    assert_eq!(status(&server, &ping).await.0, 200, "the place came back");
    // The other answer ends by itself.
    drop(feeds);
    assert_eq!(second.next().await, None);
    let third = opened(&server, &export).await;
    let fourth = opened(&server, &export).await;
    assert_eq!(status(&server, &ping).await, busy("calls", 2));
    drop((third, fourth));
}

/// What is refused takes no place.
#[tokio::test]
async fn refusals_have_no_places() {
    let service = Service::default();
    let server = behind_layer(&service, 1).await;
    for _ in 0..3 {
        let token = server.scoped("").subject("alice").mint();
        let few = Request::new(MODERN, EXPORT).bearer(&token);
        assert_eq!(status(&server, &few).await.0, 403);
        let odd = asks(&server, "alice", MODERN, EXPORT).body("{");
        assert_eq!(status(&server, &odd).await.0, 400);
    }
    let export = asks(&server, "alice", MODERN, EXPORT);
    drop(opened(&server, &export).await);
}

/// What nothing is worked on for takes no place: a call that waits for its client gets the answer.
#[tokio::test]
async fn answers_and_notifications_need_no_place() {
    let service = Service::default();
    let server = behind_layer(&service, 1).await;
    let hello = asks(&server, "alice", LEGACY, "initialize");
    let begun = server.send(&hello).await;
    let session = begun.header("mcp-session-id").expect("a session");
    let of = |what| asks(&server, "alice", LEGACY, what).with("mcp-session-id", session);
    let _held = opened(&server, &of(EXPORT)).await;
    assert_eq!(
        status(&server, &of("tools/call whoami")).await,
        busy("calls", 1)
    );
    for what in ["response", "notifications/cancelled", "DELETE"] {
        let (status, _) = status(&server, &of(what)).await;
        assert!((200..300).contains(&status), "{what}: {status}");
    }
}

/// A call that finds no place takes nothing of its tool's quota.
#[tokio::test]
async fn who_finds_no_place_pays_nothing() {
    let service = Service::default();
    let server = serve(
        |guard| {
            guard
                .unlimited()
                .calls_at_once(1)
                .limit_tool("whoami", Quota::per_hour(1))
        },
        |guard, _: &Log| {
            service
                .router()
                .layer(plain::layer(guard).build().expect("a layer"))
        },
    )
    .await;
    let held = opened(&server, &asks(&server, "alice", MODERN, EXPORT)).await;
    let whoami = asks(&server, "alice", MODERN, "tools/call whoami");
    for _ in 0..3 {
        assert_eq!(status(&server, &whoami).await, busy("calls", 1));
    }
    let feed = service.feed();
    drop(held);
    feed.dropped().await;
    assert_eq!(status(&server, &whoami).await.0, 200);
    assert_eq!(status(&server, &whoami).await.0, 429);
}

/// Streams have places of their own, beside those of calls.
#[tokio::test]
async fn streams_have_places() {
    let service = Service::default();
    let server = behind_layer(&service, 1).await;
    let listen = asks(&server, "alice", MODERN, "subscriptions/listen");
    let (held, stream) = opened(&server, &listen).await;
    assert_eq!(status(&server, &listen).await, busy("streams", 1));
    // A call goes on beside it, and another principal's stream.
    let ping = asks(&server, "alice", MODERN, "tools/call whoami");
    assert_eq!(status(&server, &ping).await.0, 200);
    let other = asks(&server, "bob", MODERN, "subscriptions/listen");
    drop(opened(&server, &other).await);
    // The streams of older revisions are counted with them.
    let hello = asks(&server, "alice", LEGACY, "initialize");
    let begun = server.send(&hello).await;
    let session = begun.header("mcp-session-id").expect("a session");
    let old = asks(&server, "alice", LEGACY, "GET").with("mcp-session-id", session);
    assert_eq!(status(&server, &old).await, busy("streams", 1));
    let feed = service.feeds().remove(0);
    drop((held, stream));
    feed.dropped().await;
    let (_held, _stream) = opened(&server, &old).await;
    assert_eq!(status(&server, &listen).await, busy("streams", 1));
}

#[derive(Deserialize)]
struct Gate {}

async fn whoami(_: Authorized<()>) -> Result<&'static str, ToolError> {
    Ok("somebody")
}

/// The router counts until the answer has ended as well.
#[tokio::test]
async fn the_router_counts_too() {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let waits = move |_: Authorized<()>, Params(Gate {}): Params<Gate>| {
        let mut receiver = receiver.clone();
        async move {
            receiver.wait_for(|is_open| *is_open).await.ok();
            Ok::<_, ToolError>("done")
        }
    };
    let server = serve(
        |guard| guard.unlimited().calls_at_once(1),
        |guard: &Guard<Fixture>, log: &Log| -> Router {
            let router = clearance::mcp::Router::with_state(guard, log.clone());
            let router = router.tool("waits", waits).tool("whoami", whoami);
            let router = router.list(clearance::mcp::method::ToolsList.demanding::<()>());
            router.build().expect("a router")
        },
    )
    .await;
    let request = asks(&server, "alice", MODERN, "tools/call waits");
    let first = {
        let (address, request) = (server.address, request.clone());
        tokio::spawn(async move { crate::support::client::send(address, &request).await })
    };
    let ping = asks(&server, "alice", MODERN, "tools/call whoami");
    let mut refused = status(&server, &ping).await;
    // Until the first one has begun.
    while refused.0 == 200 {
        refused = status(&server, &ping).await;
    }
    assert_eq!(refused, busy("calls", 1));
    sender.send(true).expect("it waits");
    assert_eq!(soon(first).await.expect("an answer").status, 200);
    assert_eq!(status(&server, &ping).await.0, 200);
}
