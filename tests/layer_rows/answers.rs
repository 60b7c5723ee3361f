//! What may be stored of an answer, and by whom.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use clearance::limit::Quota;
use clearance::testing::Fault;
use http::{HeaderMap, StatusCode};

use super::site::{DELETE, Site, T0, Two, WEATHER};
use crate::support::Answer;
use crate::support::mcp::{DENIED, McpServer, REVISIONS, server};
use crate::support::request::{MODERN, Request, messages};

/// A service that says of its answers what the test wants, in fields of the request.
async fn speak(fields: HeaderMap) -> Response {
    let text = |name: &str| fields.get(name).and_then(|value| value.to_str().ok());
    let kind = text("x-kind").unwrap_or("application/json");
    let status = text("x-status").and_then(|status| status.parse().ok());
    let status = status.unwrap_or(StatusCode::OK);
    let mut answer = (status, [("content-type", kind)], "data: {}\n\n").into_response();
    for said in fields.get_all("x-cache") {
        answer.headers_mut().append("cache-control", said.clone());
    }
    for said in fields.get_all("x-buffering") {
        let fields = answer.headers_mut();
        fields.append("x-accel-buffering", said.clone());
    }
    answer
}

async fn speaker() -> McpServer {
    Site::new()
        .service(|_, _| Router::new().fallback(any(speak)))
        .serve()
        .await
}

async fn ask(server: &McpServer, revision: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(revision, WEATHER).bearer(&server.token(T0));
    for (name, value) in fields {
        request = request.also(name, value);
    }
    server.send(&request).await
}

/// RS-145: what the service answers to somebody is stored by nobody, unless it says itself that it is
/// for the caller's own cache.
#[tokio::test]
async fn answers_of_the_service_are_not_stored() {
    let server = speaker().await;
    let no_store = &["no-store"][..];
    for revision in REVISIONS {
        for (said, expected) in [
            (&[][..], no_store),
            (&["public, max-age=600"], no_store),
            (&["max-age=600"], no_store),
            (&["s-maxage=600"], no_store),
            (&["no-cache"], no_store),
            (&["private=\"set-cookie\", max-age=600"], no_store),
            (&["public", "max-age=600"], no_store),
            (&["x-private"], no_store),
            (&["no-store"], no_store),
            (&["No-Store, max-age=0"], &["No-Store, max-age=0"]),
            (&["private, max-age=60"], &["private, max-age=60"]),
        ] {
            let fields: Vec<_> = said.iter().map(|said| ("x-cache", *said)).collect();
            for status in ["200", "201", "202", "304", "404", "500"] {
                let mut fields = fields.clone();
                fields.push(("x-status", status));
                let answer = ask(&server, revision, &fields).await;
                assert_eq!(answer.status.to_string(), status);
                let stored = answer.headers.iter();
                let stored = stored.filter(|(name, _)| name == "cache-control");
                let stored: Vec<&str> = stored.map(|(_, value)| value.as_str()).collect();
                assert_eq!(stored, expected, "{said:?}");
                assert_eq!(answer.header("x-accel-buffering"), None);
            }
        }
    }
}

/// RS-145: a stream of events is not stored, rewritten or held back, whatever the service says of it.
#[tokio::test]
async fn streams_are_neither_stored_nor_held_back() {
    let server = speaker().await;
    for revision in REVISIONS {
        for kind in [
            "text/event-stream",
            "text/event-stream; charset=utf-8",
            "Text/Event-Stream",
            "text/event-stream ;charset=utf-8",
        ] {
            for said in [
                &[][..],
                &[("x-cache", "public, max-age=600"), ("x-buffering", "yes")],
                &[("x-cache", "private"), ("x-buffering", "no")],
                &[("x-cache", "no-store"), ("x-cache", "public")],
            ] {
                let kind = [("x-kind", kind)];
                let fields: Vec<_> = said.iter().copied().chain(kind).collect();
                let answer = ask(&server, revision, &fields).await;
                answer.assert_ok();
                let stored = answer.header("cache-control");
                assert_eq!(stored, Some("no-store, no-transform"));
                assert_eq!(answer.header("x-accel-buffering"), Some("no"));
                assert!(answer.body.contains("data: {}\n\n"));
            }
        }
    }
    let mut two = Two::to(server.address).await;
    let request = Request::new(MODERN, WEATHER).bearer(&server.token(T0));
    let answer = two
        .send("t", &request.with("x-kind", "text/event-stream"))
        .await;
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store, no-transform")
    );
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
}

/// RS-145: refusals of every status are not stored.
#[tokio::test]
async fn refusals_are_not_stored() {
    let server = Site::new()
        .guard(|guard| guard.limit(Quota::per_hour(12)))
        .serve()
        .await;
    let mut statuses = Vec::new();
    let call = |call: &str| Request::new("2025-11-25", call).bearer(&server.token(T0));
    let denied = server.scoped(T0).subject(DENIED).mint();
    let mut requests = vec![
        call(WEATHER).without("authorization"),
        call(WEATHER).bearer(&server.token_of("expired", T0)),
        call(WEATHER).bearer("a b"),
        call(WEATHER).bearer(&denied),
        call(WEATHER).with("origin", "https://evil.example"),
        call(WEATHER).body("{"),
        call(WEATHER).body(&" ".repeat(5 << 20)),
        call(WEATHER).without("content-type"),
        call(WEATHER).with("mcp-session-id", "x"),
        call(WEATHER).with("mcp-method", "tools/list"),
        call("notifications/cancelled"),
        call("unknown/method"),
        call("tools/call shell"),
        call(DELETE),
        call("GET"),
        call("PUT"),
    ];
    requests.extend(vec![call(WEATHER); 4]);
    for request in requests {
        let answer = server.send(&request).await;
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{answer:?}"
        );
        statuses.push(answer.status);
    }
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200, 202, 400, 401, 403, 404, 405, 413, 415, 429]);
    server.issuer.fault(Fault::Status(500));
    server.clock.advance(chrono::TimeDelta::days(30));
    let answer = server.call(MODERN, WEATHER, T0).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (503, Some("no-store"))
    );
}

/// RS-144: what the router lists is for the caller who asked: no cache may show it to another.
#[tokio::test]
async fn lists_of_a_router_are_private() {
    let server = server().await;
    for list in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        for scopes in ["mcp:tools.read mcp:admin", "mcp:tools.read files:read"] {
            let answer = server.call(MODERN, list, scopes).await;
            answer.assert_ok();
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let result = messages(&answer).remove(0)["result"].take();
            assert_eq!(result["cacheScope"], "private", "{list}");
            assert_eq!(result.get("nextCursor"), None);
        }
    }
}
