//! Decisions of a layer, which names methods and targets.

use serde_json::{Value, json};

use super::fixture::{Site, golden, line, lines, of_alice};
use crate::support::around::{DELETE, T0, WEATHER, at};
use crate::support::mcp::DENIED;
use crate::support::request::{MODERN, Request};
use crate::support::service::LEGACY;
use crate::support::{M_PATH, TRACE, raw};

/// RS-149: the layer's events name the method and the tool, to the letter.
#[tokio::test]
async fn events_name_the_method_and_the_tool() {
    let site = Site::new().await;
    let token = site.token(T0);
    let call = |call| Request::new(MODERN, call).bearer(&token);
    let alice = |members: Value| of_alice(&site.world.issuer, T0, &members);
    for (request, expected) in [
        (
            call(WEATHER),
            alice(json!({
                "decision": "allowed",
                "method": "tools/call",
                "target": "get_weather",
                "needed": T0,
            })),
        ),
        (
            call(DELETE),
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
            call("tools/call nobodys"),
            alice(json!({
                "decision": "refused",
                "reason": "denied",
                "method": "tools/call",
                "target": "nobodys",
                "from_cache": true,
            })),
        ),
        (
            call("no/such"),
            alice(json!({
                "decision": "refused",
                "reason": "unknown_name",
                "method": "no/such",
                "from_cache": true,
            })),
        ),
        (
            Request::new(LEGACY, WEATHER)
                .bearer(&token)
                .with("mcp-session-id", "x.y"),
            alice(json!({
                "decision": "refused",
                "reason": "unknown_session",
                "method": "tools/call",
                "target": "get_weather",
                "from_cache": true,
            })),
        ),
        (
            call(WEATHER).without("authorization"),
            golden(&json!({ "decision": "refused", "reason": "no_credential" })),
        ),
        (
            call(WEATHER).with("origin", "https://evil.example"),
            golden(&json!({ "decision": "refused", "reason": "foreign_origin" })),
        ),
    ] {
        let answer = site.send(&request).await;
        let event = site.kept.only(&site.world.guard).await;
        assert_eq!(event, expected, "{answer:?}");
        assert_eq!(answer.header("x-correlation-id"), Some(TRACE));
    }
}

/// RS-149: nothing is written twice, and nothing is forgotten: each request, and all that is written
/// about it.
#[tokio::test]
async fn each_request_is_one_event() {
    let site = Site::new().await;
    let all = "mcp:tools.read mcp:admin a b";
    let token = site.token(all);
    let weak = site.token(T0);
    let denied = site.world.issuer.token().subject(DENIED).mint();
    let of = |revision, call| Request::new(revision, call).bearer(&token);
    let begun = site.send(&of(LEGACY, "initialize")).await;
    let session = begun.header("mcp-session-id").expect("a session");
    let own = |call| of(LEGACY, call).with("mcp-session-id", session);
    site.take().await;
    let old = "2025-03-26";
    let batch = |calls: &str| Request::new(old, &format!("batch {calls}"));
    let (weather, delete) = ("tools/call get_weather", "tools/call delete_file");
    for (request, expected) in [
        (of(MODERN, "tools/list"), &["allowed tools/list"][..]),
        (
            of(MODERN, "prompts/get greeting"),
            &["allowed prompts/get greeting"],
        ),
        (
            of(MODERN, "resources/read file:///pub/a"),
            &["allowed resources/read file:///pub/a"],
        ),
        (
            of(MODERN, "tools/call one_of"),
            &["allowed tools/call one_of"],
        ),
        (of(MODERN, "server/discover"), &["allowed server/discover"]),
        (of(LEGACY, "initialize"), &["allowed initialize"]),
        (own("ping"), &["allowed ping"]),
        (
            own("notifications/initialized"),
            &["allowed notifications/initialized"],
        ),
        (own("response"), &["allowed response"]),
        // Nobody is told of these; the caller has a valid token all the same.
        (
            of(LEGACY, "notifications/cancelled"),
            &["allowed notifications/cancelled"],
        ),
        (of(old, "response"), &["allowed response"]),
        (
            of(MODERN, "response"),
            &["refused malformed_request response"],
        ),
        (
            batch(&format!("{weather} + {delete}")).bearer(&token),
            &["allowed batch"],
        ),
        (
            batch(&format!("{weather} + {delete}")).bearer(&weak),
            &["refused insufficient_scope batch"],
        ),
        (
            batch(&format!("{weather} + no/such")).bearer(&token),
            &["refused unknown_name batch"],
        ),
        (
            batch("response + notifications/cancelled").bearer(&token),
            &["allowed batch"],
        ),
        (
            batch(&format!("initialize + {weather}")).bearer(&token),
            &["refused malformed_request batch"],
        ),
        (of(LEGACY, "GET"), &["refused method_not_allowed GET"]),
        (own("PUT"), &["refused method_not_allowed PUT"]),
        (
            own("GET").with("last-event-id", "x"),
            &["refused unknown_session GET"],
        ),
        (
            Request::new(MODERN, WEATHER).bearer(&denied),
            &["refused denied tools/call get_weather"],
        ),
        (
            Request::new(MODERN, "no/such").bearer(&denied),
            &["refused denied no/such"],
        ),
        (
            Request::new(LEGACY, "PUT").bearer(&denied),
            &["refused denied PUT"],
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
            of(MODERN, WEATHER).with("connection", "mcp-name"),
            &["refused malformed_request"],
        ),
        (
            of(MODERN, WEATHER).with("content-type", "text/plain"),
            &["refused media_type"],
        ),
        (
            of(MODERN, WEATHER).bearer("a.b.c"),
            &["refused malformed_base64"],
        ),
        (
            at(&format!("{M_PATH}?x"), Request::new(LEGACY, "GET")),
            &["refused no_such_document"],
        ),
        // Whoever asks for these is not decided about.
        (at(M_PATH, Request::new(LEGACY, "GET")), &[]),
        (Request::new(LEGACY, "OPTIONS"), &[]),
        // The service says that the session is over, once the layer has let it pass.
        (own("DELETE"), &["allowed DELETE"]),
        (
            own(WEATHER),
            &[
                "allowed tools/call get_weather",
                "refused unknown_session tools/call get_weather",
            ],
        ),
    ] {
        let answer = site.send(&request).await;
        let events = site.take().await;
        assert_eq!(lines(&events), expected, "{request:?} {answer:?}");
        for event in events {
            assert_eq!(event["correlation_id"], TRACE);
            let is_decided = event["decision"] == "allowed" || event["reason"].is_string();
            assert!(is_decided, "{event:#}");
        }
    }
}

/// What a batch needs is written down together.
#[tokio::test]
async fn a_batch_says_all_that_it_needed() {
    let site = Site::new().await;
    let token = site.token("mcp:tools.read files:read files:write");
    let calls = "batch tools/call get_weather + tools/call delete_file + ping";
    site.send(&Request::new("2025-03-26", calls).bearer(&token))
        .await;
    let event = site.kept.only(&site.world.guard).await;
    assert_eq!(line(&event), "allowed batch");
    let mut needed: Vec<&str> = event["needed"]
        .as_str()
        .expect("scopes")
        .split(' ')
        .collect();
    needed.sort_unstable();
    assert_eq!(needed, ["files:read", "files:write", "mcp:tools.read"]);
}

/// RS-149: where a request names nothing that ties it together, its answer and its event have the same
/// new name.
#[tokio::test]
async fn an_answer_has_the_name_of_its_event() {
    let site = Site::new().await;
    for request in [
        site.world.call(WEATHER),
        site.world.call(DELETE),
        site.world.call(WEATHER).without("authorization"),
        site.world.call(WEATHER).with("origin", "null"),
        site.world.call(WEATHER).body("{"),
    ] {
        let answer = raw(site.address, &request.bytes()).await;
        let event = site.kept.only(&site.world.guard).await;
        let named = answer.header("x-correlation-id").expect("a name");
        assert_eq!(event["correlation_id"], named);
        assert_eq!(named.len(), 32);
    }
}

/// A body that never comes.
struct Never;

impl hyper::body::Body for Never {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<hyper::body::Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

/// RS-149: whoever goes away before the request is there has learned that the token is good, and so that is
/// written down; of whoever was told anything it is written down once.
#[tokio::test]
async fn who_goes_away_is_written_down() {
    let site = Site::new().await;
    let token = site.token(T0);
    let inner = axum::Router::new().fallback(async || "never");
    let layered = tower::Layer::layer(&super::fixture::usual(&site.world.guard), inner);
    let router = server(&site);
    for (named, token, expected) in [
        ("layer", token.as_str(), "refused unread_body"),
        ("layer", "no.such.token", "refused malformed_base64"),
        ("router", token.as_str(), "refused unread_body"),
        ("router", "no.such.token", "refused malformed_base64"),
    ] {
        let request = http::Request::post("/mcp")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Never)
            .expect("a request");
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let is_pending = if named == "layer" {
            let work = tower::ServiceExt::oneshot(layered.clone(), request);
            std::pin::pin!(work).poll(&mut cx).is_pending()
        } else {
            let request = request.map(axum::body::Body::new);
            let work = tower::ServiceExt::oneshot(router.clone(), request);
            std::pin::pin!(work).poll(&mut cx).is_pending()
        };
        assert_eq!(is_pending, expected.ends_with("unread_body"), "{named}");
        assert_eq!(lines(&site.take().await), [expected], "{named}");
    }
}

fn server(site: &Site) -> axum::Router {
    let log = crate::support::mcp::Log::default();
    let router = crate::support::mcp::router(&site.world.guard, &log);
    router.build().expect("a router")
}
