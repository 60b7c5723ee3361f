//! What a layer takes for a request, and what it decides about: headers against the body, revisions,
//! names and arguments. Over real HTTP.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

mod layer_rows {
    mod batches;
    mod bodies;
    mod eras;
    mod lists;
    mod revisions;
    mod scopes;
    pub mod site;
    mod tasks;
}

use clearance::mcp::any_valid_token;
use layer_rows::site::{
    ALL, DELETE, Site, T0, Two, WEATHER, assert_mismatch, assert_ran, data, mismatch, served,
};
use serde_json::{Value, json};
use support::mcp::REVISIONS;
use support::plain::policy;
use support::request::{HEADED, MODERN, Request, error_of};

const VERSION: &str = "mcp-protocol-version";

/// RS-096: a request of 2026-07-28 says its revision and its method in headers.
#[tokio::test]
async fn version_and_method_are_required_headers() {
    let server = Site::new().serve().await;
    for call in HEADED {
        let right = Request::new(MODERN, call);
        served(&server, &right, call).await;
        for name in [VERSION, "mcp-method"] {
            mismatch(&server, &right.clone().without(name)).await;
        }
        let neither = right.without(VERSION).without("mcp-method");
        mismatch(&server, &neither).await;
    }
    let unknown = Request::new(MODERN, "unknown/method").without("mcp-method");
    mismatch(&server, &unknown).await;
    // Only the version makes it a request of 2026-07-28; who says it in the body alone is not taken for
    // an older client.
    for revision in &REVISIONS[..3] {
        let version = "io.modelcontextprotocol/protocolVersion";
        let inside = json!({ "params": { "_meta": { version: MODERN } } });
        let request = Request::new(revision, WEATHER).patched(&inside);
        mismatch(&server, &request).await;
    }
}

/// RS-097: a call about something that has a name says it in a header, as it stands in the body.
#[tokio::test]
async fn the_name_is_a_required_header() {
    let server = Site::new().serve().await;
    for (call, others) in [
        (WEATHER, ["delete_file", "GET_WEATHER", "get_weather2"]),
        (
            "prompts/get greeting",
            ["get_weather", "Greeting", "greetin"],
        ),
        (
            "resources/read file:///pub/a.txt",
            [
                "file:///pub/b.txt",
                "file:///pub/%61.txt",
                "FILE:///pub/a.txt",
            ],
        ),
    ] {
        let right = Request::new(MODERN, call);
        served(&server, &right, call).await;
        mismatch(&server, &right.clone().without("mcp-name")).await;
        for other in others.into_iter().chain([""]) {
            mismatch(&server, &right.clone().with("mcp-name", other)).await;
        }
        // Another member of the same call is not what it is about.
        let both = json!({ "params": { "name": "x", "uri": "x", "taskId": "x" } });
        let (method, target) = call.split_once(' ').expect("a name");
        let own = if method == "resources/read" {
            "uri"
        } else {
            "name"
        };
        let both = right.patched(&both);
        let both = both.patched(&json!({ "params": { own: target } }));
        mismatch(&server, &both.clone().with("mcp-name", "x")).await;
        let answer = server.send(&both.bearer(&server.token(ALL))).await;
        answer.assert_ok();
        server.log.take();
    }
}

/// RS-098: names of headers are read without regard to case and blanks around values are not read;
/// values are compared as they are.
#[tokio::test]
async fn header_names_have_no_case_and_values_have_one() {
    let server = Site::new().serve().await;
    for call in HEADED {
        let mut request = Request::new(MODERN, call);
        for (name, value) in &mut request.headers {
            *name = name.to_ascii_uppercase();
            *value = format!("  \t{value} \t ");
        }
        served(&server, &request, call).await;
        for name in ["mcp-method", "mcp-name"] {
            let mut request = Request::new(MODERN, call);
            let mut fields = request.headers.iter_mut();
            let Some((_, value)) = fields.find(|(known, _)| known == name) else {
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
    // What a tool can be called so that its name in a header means another tool.
    let marked = "=?base64?Z2V0X3dlYXRoZXI=?=";
    let server = Site::new()
        .policy(
            policy()
                .tool(literal, any_valid_token())
                .tool(open, any_valid_token())
                .tool(marked, any_valid_token())
                .tool("caf\u{e9}", any_valid_token()),
        )
        .serve()
        .await;
    let named = |call: &str, value: &str| Request::new(MODERN, call).with("mcp-name", value);
    served(&server, &named(WEATHER, marked), WEATHER).await;
    served(&server, &named(WEATHER, &format!(" {marked}\t")), WEATHER).await;
    for name in [literal, open] {
        let call = format!("tools/call {name}");
        served(&server, &named(&call, name), &call).await;
        mismatch(&server, &named(WEATHER, name)).await;
    }
    let call = format!("tools/call {marked}");
    mismatch(&server, &named(&call, marked)).await;
    let encoded = "=?base64?PT9iYXNlNjQ/WjJWMFgzZGxZWFJvWlhJPT89?=";
    served(&server, &named(&call, encoded), &call).await;
    let call = "tools/call caf\u{e9}";
    served(&server, &named(call, "=?base64?Y2Fmw6k=?="), call).await;
    mismatch(&server, &named(call, "=?base64?Y2FmZcyB?=")).await;
    for broken in [
        "Z2V0X3dlYXRoZXI",
        "Z2V0X3dlYXRoZXJ=",
        "Z2V0!X3dlYXRoZXI=",
        "Z2V0 X3dlYXRoZXI=",
        "Z2V0X3dlYXRoZXI==",
        "SGVsbG8",
        "SGVs!!!bG8=",
        "_w==",
        "/w==",
        "",
    ] {
        let broken = format!("=?base64?{broken}?=");
        mismatch(&server, &named(WEATHER, &broken)).await;
        // It is not the text as it stands either.
        let call = format!("tools/call {broken}");
        mismatch(&server, &named(&call, &broken)).await;
    }
}

/// RS-101: two lines of one of these headers are refused, equal ones as well.
#[tokio::test]
async fn repeated_headers_are_refused() {
    let server = Site::new().serve().await;
    for revision in REVISIONS {
        for (name, value, other) in [
            (VERSION, revision, "2025-06-18"),
            ("mcp-method", "tools/call", "tools/list"),
            ("mcp-name", "get_weather", "delete_file"),
        ] {
            for (first, second) in [(value, value), (value, other), (other, value), (value, "")] {
                let request = Request::new(revision, WEATHER).with(name, first);
                mismatch(&server, &request.also(name, second)).await;
            }
            let once = Request::new(revision, WEATHER).with(name, value);
            served(&server, &once, WEATHER).await;
        }
        for verb in ["GET", "DELETE"] {
            let request = Request::new(revision, verb).with(VERSION, revision);
            let request = request.also(VERSION, revision).bearer(&server.token(ALL));
            let answer = server.send(&request).await;
            assert_eq!((answer.status, answer.code()), (400, -32020), "{verb}");
        }
    }
    // HTTP/2 has lines as well.
    let mut two = Two::to(server.address).await;
    let request = Request::new(MODERN, WEATHER).also("mcp-name", "get_weather");
    let answer = two.send("t", &request.bearer(&server.token(ALL))).await;
    assert_mismatch(&server, &answer);
}

/// RS-102: the header is missing, `_meta` is incomplete, they differ, nobody serves what they say:
/// each has its code, in this order; who the client is need not be said.
#[tokio::test]
async fn faults_of_the_body_have_their_order() {
    let server = Site::new().serve().await;
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let says = |member: &str, value: Value| json!({ "params": { "_meta": { member: value } } });
    let right = || Request::new(MODERN, DELETE).patched(&json!({ "id": "x" }));
    let incomplete = || right().patched(&says(capabilities, Value::Null));
    let other = says(version, "2099-01-01".into());
    for (case, request, code) in [
        ("no header", right().without(VERSION), -32020),
        (
            "no header, no capabilities",
            incomplete().without(VERSION),
            -32020,
        ),
        (
            "no header, another version",
            right().without(VERSION).patched(&other),
            -32020,
        ),
        (
            "no version",
            right().patched(&says(version, Value::Null)),
            -32602,
        ),
        (
            "a version that is no text",
            right().patched(&says(version, json!(2026))),
            -32602,
        ),
        (
            "no _meta",
            right().patched(&json!({ "params": { "_meta": null } })),
            -32602,
        ),
        ("no capabilities", incomplete(), -32602),
        (
            "capabilities that are none",
            right().patched(&says(capabilities, json!([]))),
            -32602,
        ),
        (
            "no capabilities, and another version",
            incomplete().patched(&other),
            -32602,
        ),
        ("another version", right().patched(&other), -32020),
        (
            "another header",
            right().with(VERSION, "2099-01-01"),
            -32020,
        ),
        (
            "an older version in the body",
            right().patched(&says(version, "2025-11-25".into())),
            -32020,
        ),
        (
            "an older header",
            right().with(VERSION, "2025-11-25"),
            -32020,
        ),
        (
            "unsupported",
            right().with(VERSION, "2099-01-01").patched(&other),
            -32022,
        ),
    ] {
        server.send(&request).await.assert_401_none();
        for scopes in [T0, ALL] {
            let request = request.clone().bearer(&server.token(scopes));
            let answer = server.send(&request).await;
            let message = error_of(&answer);
            assert_eq!(answer.status, 400, "{case}");
            assert_eq!(message["error"]["code"], code, "{case}");
            assert_eq!(message["id"], "x", "{case}");
            assert_eq!(answer.header("www-authenticate"), None);
            let mut supported = REVISIONS;
            supported.reverse();
            let expected = match code {
                -32022 => json!({ "requested": "2099-01-01", "supported": supported }),
                _ => json!({}),
            };
            assert_eq!(data(&answer), expected, "{case}");
        }
    }
    assert_ran(&server, &[]);
    assert!(!Request::new(MODERN, WEATHER).body.contains("clientInfo"));
    server.call(MODERN, WEATHER, T0).await.assert_ok();
    assert_ran(&server, &[WEATHER]);
}
