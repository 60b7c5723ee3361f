//! How an MCP endpoint answers: codes, ids and what may be stored, over real HTTP.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use clearance::limit::Quota;
use clearance::mcp::CallError;
use clearance::testing::Fault;
use clearance::{Authorized, GuardBuilder};
use serde_json::json;
use support::Answer;
use support::mcp::{DENIED, McpServer, REVISIONS, server, server_with};
use support::request::{MODERN, Request, code_of, error_of, messages};

const T0: &str = "mcp:tools.read";
const ALL: &str = "mcp:tools.read mcp:admin a b";
const WEATHER: &str = "tools/call get_weather";
const DELETE: &str = "tools/call delete_file";

/// Answers of every class that a request can be refused with, and their codes.
async fn refusals(server: &McpServer) -> Vec<(Answer, i64)> {
    let modern = |call| Request::new(MODERN, call);
    let valid = || server.token(T0);
    let mut found = Vec::new();
    for (request, code) in [
        (modern(WEATHER), 40100),
        (
            modern(WEATHER).bearer(&server.token_of("expired", T0)),
            40100,
        ),
        (modern(WEATHER).with("authorization", "Bearer "), -32600),
        (modern(DELETE).bearer(&valid()), 40300),
        (
            modern(WEATHER).bearer(&server.scoped(T0).subject(DENIED).mint()),
            40301,
        ),
        (modern(WEATHER).bearer(&valid()).body("{"), -32700),
        (modern(WEATHER).bearer(&valid()).body("3"), -32600),
        (
            modern(WEATHER).bearer(&valid()).without("content-type"),
            -32600,
        ),
        (
            modern(WEATHER).bearer(&valid()).body(&" ".repeat(5 << 20)),
            -32600,
        ),
        (modern("GET").bearer(&valid()), -32600),
        (modern("unknown/method").bearer(&valid()), -32601),
        (modern("tools/call no_such_tool").bearer(&valid()), -32602),
        (modern(WEATHER).bearer(&valid()).without("mcp-name"), -32020),
        (
            Request::new("2025-06-18", WEATHER)
                .with("mcp-protocol-version", "1900-01-01")
                .bearer(&valid()),
            -32022,
        ),
        (
            Request::new("2025-11-25", WEATHER)
                .with("mcp-session-id", "x")
                .bearer(&valid()),
            40400,
        ),
    ] {
        found.push((server.send(&request).await, code));
    }
    found
}

/// Answers of guards that have had enough, or have no keys.
async fn later() -> Vec<(Answer, i64)> {
    let busy = server_with(|guard| guard.limit(Quota::per_hour(1)), |router, _| router).await;
    busy.call(MODERN, WEATHER, T0).await.assert_ok();
    let limited = busy.call(MODERN, WEATHER, T0).await;
    assert_eq!(limited.status, 429);
    let lost = server().await;
    lost.issuer.fault(Fault::Status(500));
    lost.clock.advance(TimeDelta::days(30));
    let unavailable = lost.call(MODERN, WEATHER, T0).await;
    assert_eq!(unavailable.status, 503);
    vec![(limited, 42900), (unavailable, 50300)]
}

/// RS-139: whatever is refused, and with which status, has a JSON-RPC error for a body.
#[tokio::test]
async fn refusals_have_an_error_for_a_body() {
    let server = server().await;
    let mut statuses = BTreeSet::new();
    for (answer, code) in refusals(&server).await.into_iter().chain(later().await) {
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let message = error_of(&answer);
        assert_eq!(message["error"]["code"], code, "{answer:?}");
        assert!(
            message["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        statuses.insert(answer.status);
    }
    let all = [400, 401, 403, 404, 405, 413, 415, 429, 503];
    assert!(statuses.into_iter().eq(all));
}

/// RS-140: the id of a body that was read comes back as it was written; without one there is no
/// member, and never `null`.
#[tokio::test]
async fn ids_are_echoed_or_left_out() {
    let server = server().await;
    for revision in REVISIONS {
        for id in [
            json!(1),
            json!(-1),
            json!(9_007_199_254_740_993_u64),
            json!("1"),
            json!("é\""),
        ] {
            for (call, scopes) in [
                (WEATHER, T0),
                (DELETE, T0),
                ("tools/call no_such_tool", T0),
                ("unknown/method", ""),
                ("tools/list", ""),
            ] {
                let request = Request::new(revision, call).patched(&json!({ "id": id }));
                let answer = server
                    .send(&request.clone().bearer(&server.token(scopes)))
                    .await;
                assert_eq!(messages(&answer)[0]["id"], id, "{answer:?}");
                // The same before the body is read.
                let answer = server.send(&request).await;
                answer.assert_401_none();
                assert!(error_of(&answer).get("id").is_none());
            }
        }
        for body in ["{", "[]", r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#] {
            let request = Request::new(revision, WEATHER)
                .body(body)
                .bearer(&server.token(T0));
            assert!(error_of(&server.send(&request).await).get("id").is_none());
        }
    }
}

/// RS-141: codes that MCP keeps mean what MCP says, ours are not among those of JSON-RPC, and a
/// handler cannot send what is kept either.
#[tokio::test]
async fn codes_mean_what_the_protocol_says() {
    let server = server_with(GuardBuilder::unlimited, |router, _| {
        router.tool("fails", async |auth: Authorized<()>| {
            let code = auth.subject().as_str().parse().expect("a number");
            Err::<(), _>(CallError::new(code, "it fails"))
        })
    })
    .await;
    let known: BTreeSet<i64> = [-32700, -32601, -32602, -32600, -32020, -32022]
        .into_iter()
        .chain([40100, 40300, 40301, 40400, 42900, 50300])
        .collect();
    let sent = refusals(&server).await.into_iter().chain(later().await);
    let sent: BTreeSet<i64> = sent.map(|(answer, _)| code_of(&answer)).collect();
    assert_eq!(sent, known);
    // Whatever else the case file has was seen by its own test.
    let file = include_str!("cases/mcp.tsv");
    let lines = file.lines().filter(|line| !line.starts_with('#')).skip(1);
    let codes = lines.filter_map(|line| line.split('\t').nth(7));
    let all = codes
        .flat_map(|cell| cell.split(','))
        .filter_map(|code| code.parse().ok());
    assert!(all.collect::<BTreeSet<i64>>().is_subset(&known));
    for kept in [
        -32768, -32042, -32022, -32020, -32099, -32002, -32001, -32000,
    ] {
        for revision in REVISIONS {
            let token = server.scoped("").subject(&kept.to_string()).mint();
            let request = Request::new(revision, "tools/call fails").bearer(&token);
            assert_eq!(code_of(&server.send(&request).await), -32603, "{kept}");
        }
    }
    let token = server.scoped("").subject("7").mint();
    let own = Request::new(MODERN, "tools/call fails").bearer(&token);
    assert_eq!(code_of(&server.send(&own).await), 7);
}

/// RS-143: a client of two eras knows this server by the error in the body, and does not begin
/// anew as if it were an older one.
#[tokio::test]
async fn a_malformed_credential_does_not_look_like_an_old_server() {
    let server = server().await;
    for revision in REVISIONS {
        for value in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b"] {
            let request = Request::new(revision, WEATHER).with("authorization", value);
            let answer = server.send(&request).await;
            answer.assert_400_req();
            assert_eq!(
                error_of(&answer)["error"]["message"],
                "malformed credential"
            );
        }
    }
}

/// RS-145: nothing that is said to somebody with a token may be stored, and streams are not held
/// back or rewritten on their way.
#[tokio::test]
async fn nothing_may_be_stored() {
    let server = server().await;
    for (answer, _) in refusals(&server).await.into_iter().chain(later().await) {
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{answer:?}"
        );
    }
    let all = server.token(ALL);
    for revision in REVISIONS {
        for call in [
            WEATHER,
            "tools/list",
            "notifications/cancelled",
            "logging/setLevel",
        ] {
            let answer = server.call(revision, call, ALL).await;
            assert!(answer.status < 300, "{answer:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{call}");
        }
        for call in ["tools/call export", WEATHER] {
            let request = Request::new(revision, call).with("accept", "text/event-stream");
            let answer = server.send(&request.bearer(&all)).await;
            assert_eq!(answer.header("content-type"), Some("text/event-stream"));
            assert_eq!(
                answer.header("cache-control"),
                Some("no-store, no-transform")
            );
            assert_eq!(answer.header("x-accel-buffering"), Some("no"));
        }
    }
}
