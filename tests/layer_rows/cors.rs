//! Pages of other origins: preflights, and what they may read.

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::any;
use clearance::GuardBuilder;
use clearance::limit::Quota;

use super::site::{DELETE, Site, T0, Two, WEATHER, assert_ran};
use crate::support::Answer;
use crate::support::mcp::REVISIONS;
use crate::support::request::{MODERN, Request};

const PAGE: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

const ASKS_WITH: [&str; 8] = [
    "authorization",
    "dpop",
    "content-type",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
    "mcp-session-id",
    "last-event-id",
];

const MAY_READ: [&str; 6] = [
    "www-authenticate",
    "dpop-nonce",
    "mcp-session-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
];

/// The members of a list in a field, in lower case.
#[track_caller]
fn list(answer: &Answer, name: &str) -> Vec<String> {
    let value = answer.header(name).unwrap_or_default();
    let members = value.split(',').filter(|member| !member.is_empty());
    members
        .map(|member| member.trim().to_ascii_lowercase())
        .collect()
}

fn preflight(origin: &str) -> Request {
    Request::new(MODERN, "OPTIONS")
        .with("origin", origin)
        .with("access-control-request-method", "POST")
        .with("access-control-request-headers", "authorization,x-other")
}

/// No page of any origin can send cookies here, and none is named with a wildcard.
#[track_caller]
fn assert_readable_by(answer: &Answer, page: Option<&str>) {
    assert_eq!(answer.header("access-control-allow-origin"), page);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    if page.is_some() {
        let exposed = list(answer, "access-control-expose-headers");
        for name in MAY_READ {
            assert!(exposed.iter().any(|known| known == name), "{name}");
        }
        assert!(!exposed.iter().any(|known| known == "*"));
        assert!(list(answer, "vary").iter().any(|name| name == "origin"));
    } else {
        assert_eq!(answer.header("access-control-expose-headers"), None);
    }
}

/// RS-031: a preflight needs no token, and is answered with the lists to pages of allowed origins
/// alone.
#[tokio::test]
async fn preflights_are_answered_for_allowed_origins() {
    let server = Site::new()
        .layer(|layer| layer.allow_origin(PAGE))
        .serve()
        .await;
    for origin in [PAGE, "https://mcp.example.com"] {
        for target in ["/mcp", "/other", crate::support::M_PATH] {
            let mut request = preflight(origin);
            target.clone_into(&mut request.target);
            let answer = server.send(&request).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""));
            assert_readable_by(&answer, Some(origin));
            let asks_with = list(&answer, "access-control-allow-headers");
            for name in ASKS_WITH {
                assert!(asks_with.iter().any(|known| known == name), "{name}");
            }
            for name in ["*", "x-other", "cookie"] {
                assert!(!asks_with.iter().any(|known| known == name), "{name}");
            }
            let methods = list(&answer, "access-control-allow-methods");
            assert_eq!(methods, ["post", "get", "delete", "options"]);
            assert_eq!(answer.header("www-authenticate"), None);
        }
    }
    for origin in [EVIL, "null", "https://app.example.evil.example", "*"] {
        let answer = server.send(&preflight(origin)).await;
        assert_eq!(answer.status, 403);
        assert_readable_by(&answer, None);
        for name in [
            "access-control-allow-headers",
            "access-control-allow-methods",
        ] {
            assert_eq!(answer.header(name), None);
        }
    }
    // Fields that repeat arguments have names of the server's own.
    let names = "MCP-Param-Region, x-other,mcp-param-\u{e9}, mcp-param-a b,mcp-param-id";
    let answer = preflight(PAGE).with("access-control-request-headers", names);
    let asks_with = list(&server.send(&answer).await, "access-control-allow-headers");
    let more: Vec<_> = asks_with
        .iter()
        .filter(|name| name.starts_with("mcp-param"))
        .collect();
    assert_eq!(more, ["mcp-param-region", "mcp-param-id"]);
    assert!(!asks_with.iter().any(|name| name == "x-other"));
    // What is no preflight is told the methods and nothing else.
    let plain = Request::new(MODERN, "OPTIONS");
    for request in [
        plain.clone(),
        plain.with("origin", PAGE),
        preflight(PAGE).without("origin"),
    ] {
        let answer = server.send(&request).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert_eq!(list(&answer, "allow"), ["post", "get", "delete", "options"]);
        assert_eq!(answer.header("access-control-allow-headers"), None);
    }
    assert_ran(&server, &[]);
}

/// RS-031: a preflight that carries a token is none the better for it, and names no method that is not
/// served.
#[tokio::test]
async fn a_preflight_is_answered_by_the_layer_alone() {
    let server = Site::new()
        .layer(|layer| layer.revisions([clearance::mcp::Revision::July2026]))
        .serve()
        .await;
    let own = "https://mcp.example.com";
    let answer = server.send(&preflight(own).bearer(&server.token(T0))).await;
    assert_eq!(answer.status, 204);
    let methods = list(&answer, "access-control-allow-methods");
    assert_eq!(methods, ["post", "options"]);
    let mut two = Two::to(server.address).await;
    let answer = two.send("t", &preflight(own)).await;
    assert_eq!(answer.status, 204);
    assert_readable_by(&answer, Some(own));
    assert_eq!(two.send("t", &preflight(EVIL)).await.status, 403);
    assert_ran(&server, &[]);
}

/// RS-031: a page of an allowed origin can read every answer and the fields that it needs, those of
/// refusals included; others, and who is no page, are told nothing.
#[tokio::test]
async fn answers_can_be_read_by_allowed_pages() {
    let server = Site::new()
        .guard(|guard| guard.limit(Quota::per_hour(8)))
        .layer(|layer| layer.allow_origin(PAGE))
        .serve()
        .await;
    let mut statuses = Vec::new();
    for revision in REVISIONS {
        let call = |call: &str| Request::new(revision, call).bearer(&server.token(T0));
        for request in [
            call(WEATHER),
            call(WEATHER).without("authorization"),
            call(WEATHER).bearer(&server.token_of("expired", T0)),
            call(WEATHER).bearer("a b"),
            call(DELETE),
            call("unknown/method"),
            call(WEATHER).body("{"),
            call("GET"),
        ] {
            let answer = server.send(&request.clone().with("origin", PAGE)).await;
            assert_readable_by(&answer, Some(PAGE));
            statuses.push(answer.status);
            let answer = server.send(&request.with("origin", EVIL)).await;
            assert_eq!(answer.status, 403);
            assert_readable_by(&answer, None);
        }
    }
    let unread = server.send(&Request::new(MODERN, WEATHER)).await;
    unread.assert_401_none();
    assert_readable_by(&unread, None);
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200, 400, 401, 403, 404, 405, 429]);
}

/// RS-031: what the service says of other origins does not widen what the layer says.
#[tokio::test]
async fn a_wildcard_of_the_service_is_replaced() {
    let server = Site::new()
        .guard(GuardBuilder::unlimited)
        .service(|_, _| {
            let answer = || async {
                let fields = [
                    ("access-control-allow-origin", "*"),
                    ("access-control-expose-headers", "*"),
                ];
                (fields, "{}").into_response()
            };
            Router::new().fallback(any(answer))
        })
        .serve()
        .await;
    let own = "https://mcp.example.com";
    let request = Request::new(MODERN, WEATHER).bearer(&server.token(T0));
    let answer = server.send(&request.with("origin", own)).await;
    answer.assert_ok();
    assert_readable_by(&answer, Some(own));
}
