//! Headers and sessions of one era in requests of another.

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::any;
use clearance::limit::Quota;
use clearance::mcp::Revision;
use serde_json::json;

use super::site::{
    DELETE, Site, T0, WEATHER, assert_403, assert_mismatch, assert_ran, mismatch, seen, served,
};
use crate::support::mcp::{McpServer, REVISIONS};
use crate::support::request::{MODERN, Request};

/// A server whose service begins a session with every answer.
async fn with_sessions(revisions: &'static [Revision]) -> McpServer {
    Site::new()
        .layer(move |layer| layer.revisions(revisions.iter().copied()))
        .service(|_, log| {
            let log = log.clone();
            let answer = move |fields: http::HeaderMap| {
                log.ran("service");
                async move {
                    let seen: Vec<String> = fields.keys().map(ToString::to_string).collect();
                    let result = json!({ "jsonrpc": "2.0", "id": 1, "result": { "seen": seen } });
                    ([("mcp-session-id", "own")], axum::Json(result)).into_response()
                }
            };
            Router::new().fallback(any(answer))
        })
        .serve()
        .await
}

/// RS-104: sessions do not exist in 2026-07-28: nobody's id reaches the service, none is given out,
/// and there are no streams of sessions, whether earlier revisions are served beside it or not.
#[tokio::test]
async fn sessions_do_not_exist_in_2026() {
    const BOTH: &[Revision] = &[Revision::July2026, Revision::November2025];
    for revisions in [&[Revision::July2026][..], BOTH] {
        let server = with_sessions(revisions).await;
        for call in [WEATHER, "server/discover", "tools/list"] {
            for session in ["x", "own", "own.AAAA", ""] {
                let request = Request::new(MODERN, call)
                    .with("mcp-session-id", session)
                    .also("mcp-session-id", "another")
                    .with("last-event-id", "1")
                    .bearer(&server.token(T0));
                let answer = server.send(&request).await;
                let seen = seen(&answer);
                assert!(seen.iter().any(|name| name == "mcp-method"));
                let gone = ["mcp-session-id", "last-event-id", "authorization"];
                assert!(!seen.iter().any(|name| gone.contains(&name.as_str())));
                assert_eq!(answer.header("mcp-session-id"), None);
                assert_ran(&server, &["service"]);
            }
        }
        for verb in ["GET", "DELETE"] {
            let request = Request::new(MODERN, verb).with("mcp-session-id", "x");
            let request = request.with("last-event-id", "1");
            let answer = server
                .send(&request.clone().bearer(&server.token(T0)))
                .await;
            assert_eq!((answer.status, answer.code()), (405, -32600));
            let allow = answer.header("allow").expect("Allow");
            assert!(allow.split(", ").any(|verb| verb == "POST"));
            let answer = server.send(&request).await;
            if revisions.len() == 1 {
                assert_eq!((answer.status, answer.code()), (405, -32600));
                assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
            } else {
                answer.assert_401_none();
            }
        }
        assert_ran(&server, &[]);
    }
}

/// RS-105: in earlier revisions these headers need not be there; they decide nothing, and one that
/// says something else than the body is refused.
#[tokio::test]
async fn headers_of_earlier_revisions_decide_nothing() {
    let server = Site::new().serve().await;
    let needed = "files:read files:write mcp:tools.read";
    for revision in &REVISIONS[..3] {
        for spoofed in [
            &[("mcp-name", "get_weather")][..],
            &[("mcp-method", "tools/list")],
            &[("mcp-method", "tools/call"), ("mcp-name", "get_weather")],
            &[("mcp-method", "tools/list"), ("mcp-name", "delete_file")],
            &[("mcp-method", "server/discover")],
        ] {
            let mut request = Request::new(revision, DELETE);
            for (name, value) in spoofed {
                request = request.with(name, value);
            }
            mismatch(&server, &request).await;
            let request = request.bearer(&server.token(T0));
            assert_mismatch(&server, &server.send(&request).await);
        }
        let agreeing = Request::new(revision, DELETE)
            .with("mcp-method", "tools/call")
            .with("mcp-name", "delete_file");
        served(&server, &agreeing, DELETE).await;
        let answer = server.send(&agreeing.bearer(&server.token(T0))).await;
        assert_403(&answer, needed);
        // Where nothing is named the header has no meaning, also none for what may be done.
        let list = Request::new(revision, "resources/list").with("mcp-name", "get_weather");
        let answer = server.send(&list.bearer(&server.token(T0))).await;
        assert_403(&answer, "files:read mcp:tools.read");
        assert_ran(&server, &[]);
    }
}

/// RS-105: nor do they open another account of requests.
#[tokio::test]
async fn headers_of_earlier_revisions_do_not_change_what_is_charged() {
    let server = Site::new()
        .guard(|guard| guard.limit(Quota::per_hour(3)))
        .serve()
        .await;
    for revision in &REVISIONS[..3] {
        let token = server.scoped(T0).subject(revision).mint();
        for turn in 0..6 {
            let request = Request::new(revision, "tools/list")
                .with("mcp-name", &format!("name-{turn}"))
                .bearer(&token);
            let expected = if turn < 3 { 200 } else { 429 };
            assert_eq!(server.send(&request).await.status, expected, "{turn}");
        }
        assert_ran(&server, &["tools/list"; 3]);
    }
}
