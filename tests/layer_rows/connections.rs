//! Each request is judged by itself, on one connection of either kind.

use chrono::TimeDelta;
use clearance::id::TokenId;
use serde_json::json;

use super::site::{DELETE, Site, T0, Two, WEATHER, assert_400, assert_403, assert_ran, send_on};
use crate::support::Answer;
use crate::support::http::KeptAlive;
use crate::support::mcp::{McpServer, REVISIONS};
use crate::support::request::{MODERN, Request};

/// What follows on one connection, and how each request is answered.
async fn assert_each_judged_alone<F>(server: &McpServer, mut send: F)
where
    F: AsyncFnMut(Request) -> Answer,
{
    let alice = server.token(T0);
    let no_scope = server.token("b");
    let bad = server.token_of("wrong_signature", T0);
    for revision in REVISIONS {
        let call = Request::new(revision, WEATHER);
        for _ in 0..2 {
            send(call.clone().bearer(&alice)).await.assert_ok();
            assert_ran(server, &[WEATHER]);
            send(call.clone()).await.assert_401_none();
            send(call.clone().bearer(&bad)).await.assert_401_inv();
            send(call.clone().bearer("a b")).await.assert_400_req();
            let answer = send(call.clone().bearer(&no_scope)).await;
            assert_403(&answer, "mcp:tools.read b");
            let other = Request::new(revision, DELETE).bearer(&alice);
            let needed = "files:read files:write mcp:tools.read";
            assert_403(&send(other).await, needed);
            let page = call.clone().bearer(&alice);
            let page = page.with("origin", "https://evil.example");
            assert_eq!(send(page).await.status, 403);
            assert_ran(server, &[]);
        }
    }
    // What the last request said of its revision is not remembered.
    let right = Request::new(MODERN, WEATHER).bearer(&alice);
    send(right.clone()).await.assert_ok();
    let without = json!({ "params": { "_meta": null } });
    assert_400(&send(right.clone().patched(&without)).await, -32602);
    assert_ran(server, &[WEATHER]);
    // Nor that the token was good.
    let revoked = server.scoped(T0).token_id("t1").mint();
    let last = Request::new(MODERN, WEATHER).bearer(&revoked);
    send(last.clone()).await.assert_ok();
    let revocations = server.guard.revocations();
    let done = revocations.revoke_token(server.issuer.id(), &TokenId::new("t1"));
    done.expect("room");
    send(last).await.assert_401_inv();
    send(right.clone()).await.assert_ok();
    server.clock.advance(TimeDelta::minutes(11));
    send(right).await.assert_401_inv();
    assert_ran(server, &[WEATHER, WEATHER]);
}

/// RS-004: one HTTP/1.1 connection.
#[tokio::test]
async fn each_request_of_a_kept_connection_is_judged() {
    let server = Site::new().serve().await;
    let mut connection = KeptAlive::to(server.address).await;
    assert_each_judged_alone(&server, async |request: Request| {
        send_on(&mut connection, &request).await
    })
    .await;
}

/// RS-004: one HTTP/2 connection.
#[tokio::test]
async fn each_stream_of_an_http_2_connection_is_judged() {
    let server = Site::new().serve().await;
    let mut connection = Two::to(server.address).await;
    assert_each_judged_alone(&server, async |request: Request| {
        connection.send("mcp.example.com", &request).await
    })
    .await;
}

/// RS-004: a refusal that leaves a body unread does not let that body be taken for the next request.
#[tokio::test]
async fn the_body_of_a_refused_request_is_no_request() {
    let server = Site::new().serve().await;
    let inner = Request::new(MODERN, WEATHER).bearer(&server.token(T0));
    let inner = String::from_utf8(inner.bytes()).expect("text");
    for revision in REVISIONS {
        let refused = Request::new(revision, WEATHER).body(&inner);
        let mut connection = KeptAlive::to(server.address).await;
        send_on(&mut connection, &refused).await.assert_401_none();
        assert_ran(&server, &[]);
    }
}
