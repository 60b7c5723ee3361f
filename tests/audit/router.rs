//! Decisions of `mcp::Router`, which runs handlers.

use std::future::pending;

use chrono::TimeDelta;
use clearance::mcp::{Streamed, ToolError};
use clearance::{Authorized, GuardBuilder};
use serde_json::{Value, json};

use super::fixture::{Kept, golden, lines, of_alice, traced};
use crate::support::around::{DELETE, T0, WEATHER};
use crate::support::client::{open, soon};
use crate::support::mcp::{DENIED, McpServer, server_with};
use crate::support::request::{MODERN, Request};
use crate::support::service::LEGACY;

async fn wait(_: Authorized<()>) -> Result<Streamed<u32>, ToolError> {
    Ok(Streamed::new(async |_| {
        pending::<Result<_, ToolError>>().await
    }))
}

async fn server(kept: &Kept) -> McpServer {
    let kept = kept.clone();
    let guard = |builder| GuardBuilder::unlimited(builder).audit(kept);
    server_with(guard, |router, _| router.tool("wait", wait).max_body(4_096)).await
}

/// RS-149: the router's events name the method and the tool, to the letter.
#[tokio::test]
async fn events_name_the_method_and_the_tool() {
    let kept = Kept::default();
    let server = server(&kept).await;
    let token = server.token(T0);
    let alice = |members: Value| of_alice(&server.issuer, T0, &members);
    for (call, expected) in [
        (
            WEATHER,
            alice(json!({
                "decision": "allowed",
                "method": "tools/call",
                "target": "get_weather",
                "needed": T0,
            })),
        ),
        (
            DELETE,
            alice(json!({
                "decision": "refused",
                "reason": "insufficient_scope",
                "method": "tools/call",
                "target": "delete_file",
                "needed": "files:read files:write",
                "from_cache": true,
            })),
        ),
        (
            "resources/read file:///pub/a",
            alice(json!({
                "decision": "allowed",
                "method": "resources/read",
                "target": "file:///pub/a",
                "needed": T0,
                "from_cache": true,
            })),
        ),
        (
            "tools/call nobodys",
            alice(json!({
                "decision": "refused",
                "reason": "unknown_name",
                "method": "tools/call",
                "target": "nobodys",
                "from_cache": true,
            })),
        ),
    ] {
        let request = traced(&Request::new(MODERN, call).bearer(&token));
        server.send(&request).await;
        assert_eq!(kept.only(&server.guard).await, expected, "{call}");
    }
    let none = traced(&Request::new(MODERN, WEATHER));
    server.send(&none).await;
    let expected = golden(&json!({ "decision": "refused", "reason": "no_credential" }));
    assert_eq!(kept.only(&server.guard).await, expected);
}

/// RS-149: nothing is written twice, and nothing is forgotten. A batch that is let in is one event for
/// each of its calls, for each has a proof of its own; one that is refused is one.
#[tokio::test]
async fn each_decision_is_one_event() {
    let kept = Kept::default();
    let server = server(&kept).await;
    let token = server.token("mcp:tools.read mcp:admin");
    let weak = server.token(T0);
    let denied = server.token_of("denied", T0);
    assert_eq!(DENIED, "mallory");
    let of = |revision, call| Request::new(revision, call).bearer(&token);
    let old = "2025-03-26";
    for (request, expected) in [
        (of(MODERN, "tools/list"), &["allowed tools/list"][..]),
        (
            of(MODERN, "tools/list").patched(&json!({ "params": { "cursor": "x" } })),
            &["allowed tools/list"],
        ),
        (of(MODERN, "server/discover"), &["allowed server/discover"]),
        (of(LEGACY, "initialize"), &["allowed initialize"]),
        (
            of(LEGACY, "notifications/initialized"),
            &["allowed notifications/initialized"],
        ),
        (of(LEGACY, "response"), &["allowed response"]),
        (
            of(MODERN, "response"),
            &["refused malformed_request response"],
        ),
        (of(MODERN, "no/such"), &["refused unknown_name no/such"]),
        (
            of(LEGACY, WEATHER).with("mcp-session-id", "x"),
            &["refused unknown_session tools/call get_weather"],
        ),
        (of(LEGACY, "GET"), &["refused method_not_allowed GET"]),
        (
            of(MODERN, WEATHER).with("content-type", "text/plain"),
            &["refused media_type"],
        ),
        (
            of(MODERN, WEATHER).body(&" ".repeat(5_000)),
            &["refused unread_body"],
        ),
        (
            of(MODERN, WEATHER).body("{"),
            &["refused malformed_request"],
        ),
        (
            of(MODERN, WEATHER).with("mcp-name", "other"),
            &["refused malformed_request tools/call get_weather"],
        ),
        (
            of(MODERN, WEATHER).bearer("a.b.c"),
            &["refused malformed_base64"],
        ),
        (
            Request::new(MODERN, "no/such").bearer(&denied),
            &["refused denied no/such"],
        ),
        (Request::new(LEGACY, "OPTIONS"), &[]),
        (
            of(
                old,
                "batch tools/call get_weather + ping + notifications/cancelled",
            ),
            &["allowed tools/call get_weather", "allowed ping"],
        ),
        (
            of(old, "batch tools/call get_weather + tools/call nobodys"),
            &[
                "allowed tools/call get_weather",
                "refused unknown_name tools/call nobodys",
            ],
        ),
        (
            Request::new(old, "batch ping + tools/call delete_file").bearer(&weak),
            &["refused insufficient_scope batch"],
        ),
        (
            of(old, "batch initialize + ping"),
            &["refused malformed_request batch"],
        ),
        (
            of(old, "batch response + notifications/cancelled"),
            &["allowed batch"],
        ),
    ] {
        let answer = server.send(&request).await;
        let events = kept.take(&server.guard).await;
        assert_eq!(lines(&events), expected, "{request:?} {answer:?}");
    }
}

/// RS-149, RS-108: a stream that its token's end cuts is written down, as is work for somebody who
/// cannot follow one.
#[tokio::test]
async fn a_cut_stream_is_one_event() {
    let kept = Kept::default();
    let server = server(&kept).await;
    let dead = TimeDelta::minutes(12);
    let request = |token: &str| traced(&Request::new(MODERN, "tools/call wait").bearer(token));
    let first = server.token(T0);
    let (_connection, mut stream) = open(server.address, &request(&first)).await;
    assert_eq!(stream.status(), 200);
    kept.only(&server.guard).await;
    server.clock.advance(dead);
    assert_eq!(stream.rest().await, b"");
    let expected = of_alice(
        &server.issuer,
        T0,
        &json!({
            "at": "2026-01-01T00:12:00.000000Z",
            "decision": "ended",
            "reason": "expired",
            "method": "tools/call",
            "target": "wait",
            "duration_us": 720_000_000,
        }),
    );
    assert_eq!(kept.only(&server.guard).await, expected);

    server.guard.ready().await.expect("keys");
    let second = server.token(T0);
    let whole = request(&second).with("accept", "application/json");
    let sends = server.send(&whole);
    let dies = async {
        crate::support::http::eventually(|| server.guard.health().decisions.allowed == 2).await;
        server.clock.advance(dead);
    };
    let (answer, ()) = soon(async { tokio::join!(sends, dies) }).await;
    assert_eq!(answer.status, 401);
    let events = kept.take(&server.guard).await;
    assert_eq!(
        lines(&events),
        ["allowed tools/call wait", "refused expired tools/call wait"]
    );
}
