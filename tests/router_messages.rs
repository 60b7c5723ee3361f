//! What an MCP endpoint takes for a request, over real HTTP: headers, `_meta`, methods, batches.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use axum::extract::State;
use chrono::TimeDelta;
use clearance::mcp::ToolError;
use clearance::testing::ManualClock;
use clearance::{Authorized, GuardBuilder};
use serde_json::{Value, json};
use support::ToolsRead;
use support::mcp::{Log, McpServer, REVISIONS, server, server_with};
use support::request::{HEADED, MODERN, Request, code_of, error_of, meta};

const T0: &str = "mcp:tools.read";
const ALL: &str = "mcp:tools.read mcp:admin a b";
const WEATHER: &str = "tools/call get_weather";
const DELETE: &str = "tools/call delete_file";

/// Sends it with all scopes: it is refused because its headers are wrong.
async fn mismatch(server: &McpServer, request: &Request) {
    let answer = server
        .send(&request.clone().bearer(&server.token(ALL)))
        .await;
    assert_eq!(
        (answer.status, code_of(&answer)),
        (400, -32020),
        "{request:?}"
    );
    assert_eq!(error_of(&answer)["id"], 1);
    assert!(server.log.take().is_empty(), "{request:?}");
}

/// Sends it with all scopes: it is answered.
async fn served(server: &McpServer, request: &Request) {
    let answer = server
        .send(&request.clone().bearer(&server.token(ALL)))
        .await;
    assert_eq!(answer.status, 200, "{request:?}: {answer:?}");
    server.log.take();
}

/// RS-096: a request of 2026-07-28 says its revision and its method in headers.
#[tokio::test]
async fn version_and_method_are_required_headers() {
    let server = server().await;
    for call in HEADED {
        let right = Request::new(MODERN, call);
        served(&server, &right).await;
        for name in ["mcp-protocol-version", "mcp-method"] {
            mismatch(&server, &right.clone().without(name)).await;
        }
    }
    mismatch(
        &server,
        &Request::new(MODERN, "unknown/method").without("mcp-method"),
    )
    .await;
}

/// RS-098: names of headers are read without regard to case and blanks around values are not read;
/// values are compared as they are.
#[tokio::test]
async fn header_names_have_no_case_and_values_have_one() {
    let server = server().await;
    for call in HEADED {
        let mut request = Request::new(MODERN, call);
        for (name, value) in &mut request.headers {
            *name = name.to_ascii_uppercase();
            *value = format!("  \t{value} \t ");
        }
        served(&server, &request).await;
        for name in ["mcp-method", "mcp-name"] {
            let mut request = Request::new(MODERN, call);
            let Some((_, value)) = request.headers.iter_mut().find(|(known, _)| known == name)
            else {
                continue;
            };
            *value = value.to_ascii_uppercase();
            mismatch(&server, &request).await;
        }
    }
}

/// RS-099: text in base64 is decoded strictly before it is compared; what is not quite marked as
/// base64 is text as it stands.
#[tokio::test]
async fn encoded_values_are_decoded_or_refused() {
    let literal = "=?BASE64?Z2V0X3dlYXRoZXI=?=";
    let open = "=?base64?Z2V0X3dlYXRoZXI=";
    let tool = async |_: Authorized<()>| Ok::<_, ToolError>(());
    let server = server_with(GuardBuilder::unlimited, |router, _| {
        router.tool(literal, tool).tool(open, tool)
    })
    .await;
    let named = |call: &str, value: &str| Request::new(MODERN, call).with("mcp-name", value);
    served(&server, &named(WEATHER, "=?base64?Z2V0X3dlYXRoZXI=?=")).await;
    for name in [literal, open] {
        served(&server, &named(&format!("tools/call {name}"), name)).await;
        mismatch(&server, &named(WEATHER, name)).await;
    }
    for broken in [
        "Z2V0X3dlYXRoZXI",
        "Z2V0X3dlYXRoZXJ=",
        "Z2V0!X3dlYXRoZXI=",
        "Z2V0 X3dlYXRoZXI=",
        "_w==",
        "/w==",
        "",
        "Z2V0X3dlYXRoZXI==",
    ] {
        mismatch(&server, &named(WEATHER, &format!("=?base64?{broken}?="))).await;
    }
    let method = Request::new(MODERN, WEATHER).with("mcp-method", "=?base64?dG9vbHMvY2FsbA==?=");
    served(&server, &method).await;
}

/// RS-101: two lines of one of these headers are refused, equal ones as well.
#[tokio::test]
async fn repeated_headers_are_refused() {
    let server = server().await;
    for revision in REVISIONS {
        for (name, value, other) in [
            ("mcp-protocol-version", revision, "2025-06-18"),
            ("mcp-method", "tools/call", "tools/list"),
            ("mcp-name", "get_weather", "delete_file"),
        ] {
            for (first, second) in [(value, value), (value, other), (other, value)] {
                let request = Request::new(revision, WEATHER).with(name, first);
                mismatch(&server, &request.also(name, second)).await;
            }
            let once = Request::new(revision, WEATHER).with(name, value);
            served(&server, &once).await;
        }
    }
}

/// RS-102: the header is missing, `_meta` is incomplete, they differ, nobody serves what they say:
/// each has its code, in this order; who the client is need not be said.
#[tokio::test]
async fn faults_of_the_body_have_their_order() {
    let server = server().await;
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let header = "mcp-protocol-version";
    let says = |member: &str, value: Value| json!({ "params": { "_meta": { member: value } } });
    let right = || Request::new(MODERN, DELETE).patched(&json!({ "id": "x" }));
    for (case, request, code) in [
        ("no header", right().without(header), -32020),
        (
            "no header, and nothing else is right",
            right()
                .without(header)
                .patched(&says(capabilities, Value::Null)),
            -32020,
        ),
        (
            "no version",
            right().patched(&says(version, Value::Null)),
            -32602,
        ),
        (
            "no capabilities",
            right().patched(&says(capabilities, Value::Null)),
            -32602,
        ),
        (
            "no capabilities, and another version",
            right()
                .patched(&says(capabilities, Value::Null))
                .patched(&says(version, "2099-01-01".into())),
            -32602,
        ),
        (
            "another",
            right().patched(&says(version, "2099-01-01".into())),
            -32020,
        ),
        ("another header", right().with(header, "2099-01-01"), -32020),
        (
            "unsupported",
            right()
                .with(header, "2099-01-01")
                .patched(&says(version, "2099-01-01".into())),
            -32022,
        ),
    ] {
        server.send(&request).await.assert_401_none();
        let answer = server.send(&request.bearer(&server.token(T0))).await;
        let message = error_of(&answer);
        assert_eq!(answer.status, 400, "{case}");
        assert_eq!(message["error"]["code"], code, "{case}");
        assert_eq!(message["id"], "x", "{case}");
        assert_eq!(answer.header("www-authenticate"), None);
        let data = &message["error"]["data"];
        if code == -32022 {
            assert_eq!(data["requested"], "2099-01-01");
            let mut supported = REVISIONS;
            supported.reverse();
            assert_eq!(data["supported"], json!(supported));
        } else {
            assert!(data.is_null());
        }
    }
    assert!(server.log.take().is_empty());
    let name = "io.modelcontextprotocol/clientInfo";
    assert!(meta().get(name).is_none());
    server.call(MODERN, WEATHER, T0).await.assert_ok();
}

/// RS-103: 404 and -32601 for those who have a token, 401 for the others.
#[tokio::test]
async fn unknown_methods_are_not_found() {
    let server = server().await;
    for call in [
        "initialize",
        "ping",
        "unknown/method",
        "subscriptions/listen",
    ] {
        let request = Request::new(MODERN, call);
        server.send(&request).await.assert_401_none();
        let expired = request.clone().bearer(&server.token_of("expired", T0));
        server.send(&expired).await.assert_401_inv();
        for scopes in ["", ALL] {
            let answer = server
                .send(&request.clone().bearer(&server.token(scopes)))
                .await;
            assert_eq!((answer.status, code_of(&answer)), (404, -32601), "{call}");
        }
    }
    for revision in REVISIONS {
        let answer = server.call(revision, "unknown/method", T0).await;
        assert_eq!((answer.status, code_of(&answer)), (404, -32601));
    }
}

fn batch_of(count: usize) -> Request {
    let calls = vec![WEATHER; count].join(" + ");
    Request::new("2025-03-26", &format!("batch {calls}"))
}

/// RS-118: arrays are of 2025-03-26 alone, have between one and a hundred members, and never begin
/// a session.
#[tokio::test]
async fn batches_are_of_one_revision_and_short() {
    let server = server().await;
    let token = server.token(ALL);
    let right = || batch_of(2).bearer(&token);
    let refused = [
        right().body("[]"),
        right().body("[ ]"),
        batch_of(101).bearer(&token),
        Request::new("2025-03-26", "batch initialize").bearer(&token),
        Request::new("2025-03-26", &format!("batch {WEATHER} + initialize")).bearer(&token),
        right().with("mcp-protocol-version", "2025-06-18"),
        right().with("mcp-protocol-version", "2025-11-25"),
        right().with("mcp-protocol-version", MODERN),
        right().with("mcp-protocol-version", "2099-01-01"),
    ];
    for request in refused {
        let answer = server.send(&request).await;
        assert_eq!(
            (answer.status, code_of(&answer)),
            (400, -32600),
            "{request:?}"
        );
        assert!(error_of(&answer).get("id").is_none());
        assert!(server.log.take().is_empty());
    }
    for count in [1, 100] {
        let answer = server.send(&batch_of(count).bearer(&token)).await;
        answer.assert_ok();
        assert_eq!(server.log.take().len(), count);
        let body: Vec<Value> = serde_json::from_str(&answer.body).expect("an array");
        let ids = body.iter().map(|message| message["id"].as_u64());
        assert!(ids.eq((1..).map(Some).take(count)));
    }
}

/// What `slow` does is to let the token die.
async fn server_with_a_slow_tool() -> McpServer {
    server_with(GuardBuilder::unlimited, |router, clock| {
        let clock: ManualClock = clock.clone();
        router.tool(
            "slow",
            move |_: Authorized<ToolsRead>, State(log): State<Log>| {
                let clock = clock.clone();
                async move {
                    log.ran("slow");
                    clock.advance(TimeDelta::minutes(12));
                    Ok::<_, ToolError>(())
                }
            },
        )
    })
    .await
}

/// No call of a batch begins after the token's end.
#[tokio::test]
async fn a_token_that_dies_in_a_batch_is_dead() {
    let server = server_with_a_slow_tool().await;
    let request = Request::new(
        "2025-03-26",
        "batch tools/call slow + tools/call get_weather",
    );
    let answer = server.send(&request.bearer(&server.token(T0))).await;
    answer.assert_401_inv();
    assert_eq!(server.log.take(), ["slow"]);
}
