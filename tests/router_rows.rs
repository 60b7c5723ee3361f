//! What an MCP endpoint lets in, and what it decides about: its requirements over real HTTP.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use axum::extract::State;
use chrono::TimeDelta;
use clearance::mcp::ToolError;
use clearance::{Authorized, GuardBuilder};
use serde_json::{Value, json};
use support::http::request;
use support::mcp::{DENIED, Log, McpServer, REVISIONS, server, server_with};
use support::request::{MODERN, Request, messages};
use support::{Answer, FilesRead, M_PATH, ToolsRead};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const T0: &str = "mcp:tools.read";
const DELETE: &str = "tools/call delete_file";

/// The code of the error in an answer to the request with this id.
#[track_caller]
fn code_for(answer: &Answer, id: &Value) -> i64 {
    let message = messages(answer).remove(0);
    assert_eq!(&message["id"], id, "{answer:?}");
    message["error"]["code"].as_i64().expect("a code")
}

/// `400/code`
#[track_caller]
fn assert_400(answer: &Answer, code: i64) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(code_for(answer, &json!(1)), code);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("www-authenticate"), None);
}

/// `403(S)` for the request with id 1.
#[track_caller]
fn assert_403(answer: &Answer, scope: &str) {
    let mut without_id = answer.clone();
    assert_eq!(code_for(answer, &json!(1)), 40300);
    without_id.body = answer.body.replacen(r#""id":1,"#, "", 1);
    without_id.assert_403(scope);
}

#[track_caller]
fn assert_ran(server: &McpServer, expected: &[&str]) {
    assert_eq!(server.log.take(), expected);
}

/// RS-002: broken JSON is found by those alone who have a token, and the answer to others does not
/// wait for a body.
#[tokio::test]
async fn authentication_comes_before_the_body() {
    let server = server().await;
    for revision in REVISIONS {
        let broken = Request::new(revision, "tools/list").body("{");
        server.send(&broken).await.assert_401_none();
        let expired = broken.clone().bearer(&server.token_of("expired", T0));
        server.send(&expired).await.assert_401_inv();
        let answer = server.send(&broken.bearer(&server.token(T0))).await;
        assert_eq!((answer.status, answer.code()), (400, -32700));
    }
    // A body that is announced and never comes.
    let head = ["content-type: application/json", "content-length: 100000"];
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let head = request("POST /mcp", &head);
    stream.write_all(&head).await.expect("a request is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    Answer::parse(&bytes).assert_401_none();
}

/// RS-002: the token is judged again once the body is there.
#[tokio::test]
async fn a_token_that_dies_while_the_body_comes_is_dead() {
    let server = server().await;
    for (minutes, status) in [(9, 200), (12, 401)] {
        let token = server.token(T0);
        let request = Request::new(MODERN, "tools/call get_weather").bearer(&token);
        let bytes = request.bytes();
        let (head, rest) = bytes.split_at(bytes.len() - 5);
        let mut stream = TcpStream::connect(server.address).await.expect("connects");
        stream.write_all(head).await.expect("a request is sent");
        // Another request's answer: by then this one was read as far as it came.
        for _ in 0..3 {
            server.call(MODERN, "tools/list", T0).await.assert_ok();
        }
        server.clock.advance(TimeDelta::minutes(minutes));
        stream.write_all(rest).await.expect("a request is sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("an answer");
        assert_eq!(Answer::parse(&bytes).status, status, "{minutes}");
        assert_eq!(server.log.take().len(), usize::from(status == 200));
    }
}

/// RS-003: of those who have a token, whoever contradicts himself is told so before it is looked at
/// what he may do.
#[tokio::test]
async fn a_contradiction_is_found_after_the_token_and_before_the_scope() {
    let server = server().await;
    let spoofed = Request::new(MODERN, DELETE).with("mcp-method", "tools/list");
    server.send(&spoofed).await.assert_401_none();
    for scopes in [T0, "mcp:admin mcp:tools.read"] {
        let request = spoofed.clone().bearer(&server.token(scopes));
        assert_400(&server.send(&request).await, -32020);
    }
    assert_ran(&server, &[]);
}

/// RS-006: every method of HTTP needs a token, but for the preflight and the metadata.
#[tokio::test]
async fn every_http_method_is_protected() {
    let server = server().await;
    for verb in ["POST", "GET", "DELETE", "PUT", "PATCH", "TRACE", "PURGE"] {
        let mut request = Request::new("2025-11-25", "tools/call whoami");
        verb.clone_into(&mut request.verb);
        server.send(&request).await.assert_401_none();
        let answer = server.send(&request.bearer(&server.token(""))).await;
        if verb == "POST" {
            answer.assert_ok();
            assert_ran(&server, &["whoami"]);
        } else {
            assert_eq!((answer.status, answer.code()), (405, -32600), "{verb}");
            assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
        }
    }
    let head = support::raw(server.address, &request::<&str>("HEAD /mcp", &[])).await;
    assert_eq!((head.status, head.body.as_str()), (401, ""));
    let preflight = Request::new(MODERN, "OPTIONS");
    let answer = server.send(&preflight).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let path = format!("GET {M_PATH}");
    let metadata = support::raw(server.address, &request::<&str>(&path, &[])).await;
    assert_eq!(metadata.status, 200);
    assert_ran(&server, &[]);
}

async fn new_tool(_: Authorized<()>, State(log): State<Log>) -> Result<(), ToolError> {
    log.ran("new_tool");
    Ok(())
}

/// RS-007: what has no rule is not run, whatever the token grants; `Authorized<()>` opens it.
#[tokio::test]
async fn what_has_no_rule_does_not_run() {
    let all = "mcp:tools.read mcp:admin a b";
    let closed = server().await;
    let open = server_with(GuardBuilder::unlimited, |router, _| {
        router.tool("new_tool", new_tool)
    })
    .await;
    for revision in REVISIONS {
        let answer = closed.call(revision, "tools/call new_tool", all).await;
        assert_eq!(code_for(&answer, &json!(1)), -32602);
        assert_eq!(answer.header("www-authenticate"), None);
        for method in ["resources/subscribe", "new_tool", "tools/delete"] {
            let answer = closed.call(revision, method, all).await;
            assert_eq!((answer.status, code_for(&answer, &json!(1))), (404, -32601));
            assert_eq!(answer.header("www-authenticate"), None);
        }
        assert_ran(&closed, &[]);
        open.call(revision, "tools/call new_tool", "")
            .await
            .assert_ok();
        assert_ran(&open, &["new_tool"]);
        let request = Request::new(revision, "tools/call new_tool");
        open.send(&request).await.assert_401_none();
        assert_ran(&open, &[]);
    }
}

/// RS-008: no header makes a request one that needs no token.
#[tokio::test]
async fn nothing_is_anonymous() {
    let server = server().await;
    for call in ["server/discover", "initialize", "ping", "tools/call whoami"] {
        for method in ["server/discover", "initialize", "ping", "OPTIONS"] {
            for revision in REVISIONS {
                let request = Request::new(revision, call).with("mcp-method", method);
                server.send(&request).await.assert_401_none();
                let over = request.with("x-http-method-override", "OPTIONS");
                server.send(&over).await.assert_401_none();
            }
        }
    }
    assert_ran(&server, &[]);
}

/// RS-028: who wants events and may not have them gets a status, and no event.
#[tokio::test]
async fn refusals_are_statuses_also_where_events_are_wanted() {
    let server = server().await;
    for revision in REVISIONS {
        for (call, scope) in [
            (DELETE, "files:read files:write mcp:tools.read"),
            ("tools/call export", "files:read mcp:tools.read"),
        ] {
            let request = Request::new(revision, call).with("accept", "text/event-stream");
            server.send(&request).await.assert_401_none();
            let answer = server.send(&request.bearer(&server.token(T0))).await;
            assert_403(&answer, scope);
            assert!(!answer.body.contains("data:"));
        }
        assert_ran(&server, &[]);
        let request =
            Request::new(revision, "tools/call export").with("accept", "text/event-stream");
        let answer = server
            .send(&request.bearer(&server.token("files:read")))
            .await;
        answer.assert_ok();
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_ran(&server, &["export"]);
    }
}

/// RS-029: notifications, and in earlier revisions answers, need a token that nothing denies.
#[tokio::test]
async fn notifications_and_answers_need_a_token() {
    let server = server().await;
    for revision in REVISIONS {
        for call in ["notifications/cancelled", "response"] {
            let request = Request::new(revision, call);
            server.send(&request).await.assert_401_none();
            for kind in ["expired", "wrong_audience", "revoked"] {
                let token = server.token_of(kind, T0);
                server
                    .send(&request.clone().bearer(&token))
                    .await
                    .assert_401_inv();
            }
            if revision == MODERN && call == "response" {
                continue;
            }
            let denied = request
                .clone()
                .bearer(&server.scoped(T0).subject(DENIED).mint());
            let answer = server.send(&denied).await;
            assert_eq!((answer.status, answer.code()), (403, 40301));
            let answer = server.send(&request.bearer(&server.token(""))).await;
            assert_eq!((answer.status, answer.body.as_str()), (202, ""));
        }
    }
}

/// RS-086: what is decided about is in the body, and what a header says beside it helps nobody.
#[tokio::test]
async fn the_body_decides() {
    let server = server().await;
    let needed = "files:read files:write mcp:tools.read";
    for revision in REVISIONS {
        for (name, value) in [("mcp-name", "get_weather"), ("mcp-method", "tools/list")] {
            for scopes in [T0, "mcp:admin mcp:tools.read"] {
                let request = Request::new(revision, DELETE).with(name, value);
                let request = request.bearer(&server.token(scopes));
                assert_400(&server.send(&request).await, -32020);
            }
        }
        assert_403(&server.call(revision, DELETE, T0).await, needed);
        for elsewhere in [
            json!({ "name": "get_weather", "uri": "get_weather" }),
            json!({ "params": { "arguments": { "name": "get_weather" } } }),
            json!({ "params": { "uri": "get_weather", "method": "tools/list" } }),
        ] {
            let request = Request::new(revision, DELETE).patched(&elsewhere);
            let answer = server.send(&request.bearer(&server.token(T0))).await;
            assert_403(&answer, needed);
        }
        assert_ran(&server, &[]);
        server.call(revision, DELETE, "mcp:admin").await.assert_ok();
        assert_ran(&server, &["delete_file"]);
    }
}

/// RS-087: a challenge names all that is needed, not the first that is missing.
#[tokio::test]
async fn a_challenge_names_all_that_is_needed() {
    let server = server_with(GuardBuilder::unlimited, |router, _| {
        router.tool(
            "three",
            async |_: Authorized<(ToolsRead, support::ScopeB, FilesRead)>, State(_): State<Log>| {
                Ok::<_, ToolError>(())
            },
        )
    })
    .await;
    for revision in REVISIONS {
        for (call, scopes, needed) in [
            (DELETE, "", "files:read files:write"),
            (DELETE, "files:read", "files:read files:write"),
            (DELETE, "files:write", "files:read files:write"),
            ("tools/call three", "", "mcp:tools.read b files:read"),
            ("tools/call three", "b", "mcp:tools.read b files:read"),
        ] {
            assert_403(&server.call(revision, call, scopes).await, needed);
        }
    }
}

/// RS-095: a tool that may not be called is a 403, one that is not there an error of the protocol,
/// and neither is told to those who have no token.
#[tokio::test]
async fn forbidden_and_unknown_tools_are_told_apart() {
    let server = server().await;
    for revision in REVISIONS {
        let status = if revision == MODERN { 400 } else { 200 };
        let needed = "files:read files:write mcp:tools.read";
        assert_403(&server.call(revision, DELETE, T0).await, needed);
        for scopes in [T0, ""] {
            let answer = server
                .call(revision, "tools/call no_such_tool", scopes)
                .await;
            assert_eq!(
                (answer.status, code_for(&answer, &json!(1))),
                (status, -32602)
            );
        }
        for call in [DELETE, "tools/call no_such_tool"] {
            let request = Request::new(revision, call);
            server.send(&request).await.assert_401_none();
            let expired = request.bearer(&server.token_of("expired", T0));
            server.send(&expired).await.assert_401_inv();
        }
    }
    assert_ran(&server, &[]);
}

/// RS-093: a URI that climbs is judged by where it ends, and one that hides where it ends is none.
#[tokio::test]
async fn a_resource_is_judged_by_its_one_spelling() {
    let server = server().await;
    for revision in REVISIONS {
        let read = |uri| format!("resources/read file:///{uri}");
        for uri in [
            "pub/../private/a",
            "pub/%2e%2e/private/a",
            "x/%2E./private/a",
        ] {
            let answer = server.call(revision, &read(uri), T0).await;
            assert_403(&answer, "files:read mcp:tools.read");
            assert_ran(&server, &[]);
            server
                .call(revision, &read(uri), "files:read")
                .await
                .assert_ok();
            assert_ran(&server, &["tree a"]);
        }
        for uri in [
            "pub/..%2fprivate",
            "pub/%5c",
            "../pub/a",
            "pub/%252e",
            "pub/%",
        ] {
            let answer = server
                .call(revision, &read(uri), "mcp:tools.read mcp:admin")
                .await;
            assert_eq!(code_for(&answer, &json!(1)), -32602, "{uri}");
        }
        assert_ran(&server, &[]);
    }
}
