//! What a challenge asks for.

use clearance::mcp::{Policy, nobody, requires};
use serde::Deserialize;
use serde_json::{Value, json};

use super::site::{DELETE, Site, WEATHER, assert_400, assert_403, assert_ran};
use crate::support::mcp::{McpServer, REVISIONS};
use crate::support::plain::policy;
use crate::support::request::{Request, code_of};
use crate::support::{FilesRead, FilesWrite, Fixture, ScopeA, ScopeB, ToolsRead};

#[derive(Deserialize)]
struct Write {
    #[serde(default)]
    prod: bool,
    #[serde(default)]
    all: bool,
}

const WRITE: &str = "tools/call write";

/// `write` needs more in production, and more still for all that there is.
fn with_write() -> Policy<Fixture> {
    let by_arguments = requires::<FilesWrite>()
        .when::<(FilesWrite, ScopeA, ScopeB), Write>(|write| write.prod && write.all)
        .when::<(FilesWrite, ScopeA), Write>(|write| write.prod);
    policy()
        .tool("write", by_arguments)
        .tool("three", requires::<(ToolsRead, ScopeB, FilesRead)>())
        .tool("off", nobody())
}

async fn server() -> McpServer {
    Site::new().policy(with_write()).serve().await
}

fn write(revision: &str, arguments: &Value) -> Request {
    let arguments = json!({ "params": { "arguments": arguments } });
    Request::new(revision, WRITE).patched(&arguments)
}

/// RS-087: a challenge names all that is needed, not the first that is missing.
#[tokio::test]
async fn a_challenge_names_all_that_is_needed() {
    let server = server().await;
    for revision in REVISIONS {
        for (call, scopes, needed) in [
            (DELETE, "", "files:read files:write"),
            (DELETE, "files:read", "files:read files:write"),
            (DELETE, "files:write", "files:read files:write"),
            ("tools/call three", "", "mcp:tools.read b files:read"),
            ("tools/call three", "b", "mcp:tools.read b files:read"),
            (
                "tools/call three",
                "b files:read",
                "mcp:tools.read b files:read",
            ),
            ("tools/call one_of", "", "a"),
        ] {
            assert_403(&server.call(revision, call, scopes).await, needed);
        }
    }
    assert_ran(&server, &[]);
}

/// RS-087: what is needed can depend on arguments, and the challenge names it in one go.
#[tokio::test]
async fn a_challenge_names_what_the_arguments_need() {
    let server = server().await;
    for revision in REVISIONS {
        for (arguments, scopes, needed) in [
            (json!({}), "a", Some("files:write a")),
            (json!({ "prod": false }), "", Some("files:write")),
            (json!({ "all": true }), "", Some("files:write")),
            (json!({ "prod": true }), "", Some("files:write a")),
            (
                json!({ "prod": true }),
                "files:write",
                Some("files:write a"),
            ),
            (json!({ "prod": true }), "a", Some("files:write a")),
            (
                json!({ "prod": true, "all": true }),
                "files:write",
                Some("files:write a b"),
            ),
            (
                json!({ "prod": true, "all": true }),
                "files:write a",
                Some("files:write a b"),
            ),
            (json!({}), "files:write", None),
            (json!({ "all": true }), "files:write", None),
            (json!({ "prod": true }), "files:write a", None),
            (json!({ "prod": true }), "mcp:admin a", None),
            (json!({ "prod": true, "all": true }), "mcp:admin a b", None),
        ] {
            let request = write(revision, &arguments).bearer(&server.token(scopes));
            let answer = server.send(&request).await;
            if let Some(needed) = needed {
                assert_403(&answer, needed);
                assert_ran(&server, &[]);
            } else {
                answer.assert_ok();
                assert_ran(&server, &[WRITE]);
            }
        }
        // Without arguments there are none that ask for more.
        server
            .call(revision, WRITE, "files:write")
            .await
            .assert_ok();
        assert_ran(&server, &[WRITE]);
    }
    // In a batch as well.
    let calls = Request::new("2025-03-26", &format!("batch {WRITE} + {DELETE}"));
    let mut messages: Value = serde_json::from_str(&calls.body).expect("a batch");
    messages[0]["params"]["arguments"] = json!({ "prod": true });
    let calls = calls.body(&messages.to_string());
    let answer = server.send(&calls.bearer(&server.token(""))).await;
    assert_403(&answer, "files:write a files:read");
}

/// RS-087: arguments that two readers could read differently, or that the rule cannot read, are
/// refused; who could not call it with any learns nothing about them.
#[tokio::test]
async fn arguments_that_cannot_be_decided_about_are_refused() {
    let server = server().await;
    for revision in REVISIONS {
        for arguments in [
            r#"{"prod":false,"prod":true}"#,
            r#"{"prod":true,"prod":false}"#,
            r#"{"prod":false,"pr\u006fd":true}"#,
            r#"{"prod":false,"x":[{"y":1,"y":2}]}"#,
            r#"{"prod":"false"}"#,
            r#"{"prod":null}"#,
            r#"{"prod":0}"#,
            "[false,false]",
            "[]",
            "null",
            "\"prod\"",
        ] {
            let request = write(revision, &json!("HERE"));
            let request = request
                .clone()
                .body(&request.body.replace("\"HERE\"", arguments));
            for scopes in ["files:write", "files:write a b", "mcp:admin"] {
                let request = request.clone().bearer(&server.token(scopes));
                let answer = server.send(&request).await;
                assert_eq!(answer.status, 400, "{arguments}");
                assert_400(&answer, -32602);
            }
            let answer = server.send(&request.bearer(&server.token("b"))).await;
            assert_403(&answer, "files:write b");
            assert_ran(&server, &[]);
        }
    }
}

/// RS-088: first what the operation needs, then what the token names of this server's scopes; with the
/// option only the first.
#[tokio::test]
async fn a_challenge_keeps_what_the_caller_has() {
    let keeping = server().await;
    let exact = Site::new()
        .policy(with_write())
        .guard(|guard| guard.unlimited().challenge_per_operation())
        .serve()
        .await;
    for revision in REVISIONS {
        for (call, scopes, needed, kept) in [
            (
                DELETE,
                "mcp:tools.read",
                "files:read files:write",
                " mcp:tools.read",
            ),
            (
                DELETE,
                "x:unknown mcp:tools.read y",
                "files:read files:write",
                " mcp:tools.read",
            ),
            (DELETE, "files:write", "files:read files:write", ""),
            (
                DELETE,
                "b a files:write mcp:tools.read",
                "files:read files:write",
                " mcp:tools.read a b",
            ),
            // What is included is not named.
            ("tools/call one_of", "mcp:admin", "a", " mcp:admin"),
            (WEATHER, "mcp:admin", "mcp:tools.read", " mcp:admin"),
            (WEATHER, "openid offline_access", "mcp:tools.read", ""),
            ("resources/list", "b", "files:read", " b"),
        ] {
            let answer = keeping.call(revision, call, scopes).await;
            assert_403(&answer, &format!("{needed}{kept}"));
            assert_403(&exact.call(revision, call, scopes).await, needed);
        }
    }
    let calls = Request::new("2025-03-26", &format!("batch tools/list + {DELETE}"));
    let token = keeping.token("mcp:tools.read b");
    let answer = keeping.send(&calls.clone().bearer(&token)).await;
    assert_403(&answer, "files:read files:write mcp:tools.read b");
    let answer = exact
        .send(&calls.bearer(&exact.token("mcp:tools.read b")))
        .await;
    assert_403(&answer, "files:read files:write mcp:tools.read");
    assert_ran(&keeping, &[]);
    assert_ran(&exact, &[]);
}

/// RS-088: where no scope helps none is asked for, whatever the caller has.
#[tokio::test]
async fn no_scope_is_asked_for_where_none_helps() {
    let server = server().await;
    for revision in REVISIONS {
        for call in ["tools/call off", "tools/call no_such_tool"] {
            for scopes in ["", "mcp:tools.read mcp:admin a b"] {
                let answer = server.call(revision, call, scopes).await;
                assert_eq!((answer.status, code_of(&answer)), (403, 40301), "{call}");
                assert_eq!(answer.header("www-authenticate"), None);
            }
        }
    }
    assert_ran(&server, &[]);
}
