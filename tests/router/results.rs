//! What handlers give back, and how it is written; and arguments that do not fit.

use std::collections::BTreeMap;

use axum::extract::State;
use clearance::Authorized;
use clearance::mcp::method::Other;
use clearance::mcp::{self, CallError, Params, ToolError, ToolFailure};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::fixture::{BOTH, IN_BAND, Written, call, is_new, new, site};

/// Gives back what it is given, as a tool, prompt, resource or method.
async fn echo(_: Authorized<()>, Params(value): Params<Value>) -> Result<Value, ToolError> {
    Ok(value["value"].clone())
}

async fn answer(_: Authorized<()>, State(given): State<Value>) -> Result<Value, CallError> {
    Ok(given)
}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("a secret"))
    }
}

/// One kind of result as a tool gives it.
#[tokio::test]
async fn a_tool_gives_text_and_structure() {
    let site = site(|guard| mcp::Router::new(guard).tool("echo", echo)).await;
    let token = site.token("files:read");
    for written in BOTH {
        for (value, text, is_structured) in [
            (json!({ "a": [1, null] }), Some(r#"{"a":[1,null]}"#), true),
            (json!({}), Some("{}"), true),
            (
                json!({ "resultType": "task" }),
                Some(r#"{"resultType":"task"}"#),
                true,
            ),
            (json!("a \"text\"\n"), Some("a \"text\"\n"), false),
            (json!(""), Some(""), false),
            (json!("null"), Some("null"), false),
            (json!([1, 2]), Some("[1,2]"), false),
            (json!(-1.5), Some("-1.5"), false),
            (json!(true), Some("true"), false),
            (json!(null), None, false),
        ] {
            let call = call(written, "echo", &json!({ "value": value }));
            let result = site.send(&token, &call).await.result();
            let content = text.map(|text| json!({ "type": "text", "text": text }));
            let content: Vec<Value> = content.into_iter().collect();
            assert_eq!(result["content"], json!(content));
            let structure = is_structured.then_some(&value);
            assert_eq!(result.get("structuredContent"), structure);
            assert_eq!(result.get("isError"), None);
            // What a handler gives is not taken for a member of the protocol.
            let kind = (is_new(written)).then(|| json!("complete"));
            assert_eq!(result.get("resultType"), kind.as_ref());
        }
    }
}

/// A result with what 2026-07-28 adds to it.
fn completed(written: Written, mut result: Value, is_private: bool) -> Value {
    let is_new = is_new(written);
    if is_new {
        result["resultType"] = json!("complete");
    }
    if is_new && is_private {
        result["cacheScope"] = json!("private");
        result["ttlMs"] = json!(0);
    }
    result
}

/// What a prompt, a resource and a method make of the same value.
#[tokio::test]
async fn prompts_resources_and_methods_have_their_shapes() {
    let text = |text: &str| {
        json!({ "messages": [
            { "role": "user", "content": { "type": "text", "text": text } }
        ] })
    };
    let content = |kind: &str, text: &str| json!({ "contents": [{ "uri": "f:///a", "mimeType": kind, "text": text }] });
    let json_type = "application/json";
    let whole = json!({ "messages": [], "description": "d" });
    let failed = |why: &str| Err((-32603, why.to_owned()));
    for (value, prompt, resource, method) in [
        (
            json!("hi"),
            text("hi"),
            content("text/plain", "hi"),
            failed("the result is no object"),
        ),
        (
            whole.clone(),
            whole.clone(),
            content(json_type, r#"{"description":"d","messages":[]}"#),
            Ok(whole),
        ),
        (
            json!([1]),
            text("[1]"),
            content(json_type, "[1]"),
            failed("the result is no object"),
        ),
        (
            json!({}),
            json!({}),
            content(json_type, "{}"),
            Ok(json!({})),
        ),
        (
            json!(null),
            text("null"),
            content(json_type, "null"),
            Ok(json!({})),
        ),
    ] {
        let site = site(|guard| {
            mcp::Router::with_state(guard, value.clone())
                .prompt("p", answer)
                .resource("f:///{x}", answer)
                .method(Other("example/m"), answer)
        })
        .await;
        let token = site.token("files:read");
        for written in BOTH {
            let ask = async |method, params| site.send(&token, &written(method, params)).await;
            let with = |result, is_private| completed(written, result, is_private);
            let reply = ask("prompts/get", json!({ "name": "p" })).await;
            assert_eq!(reply.result(), with(prompt.clone(), false));
            // The URI is the one spelling.
            let reply = ask("resources/read", json!({ "uri": "F:///x/../%61" })).await;
            assert_eq!(reply.result(), with(resource.clone(), true));
            let reply = ask("example/m", json!({})).await;
            match method.clone() {
                Ok(result) => assert_eq!(reply.result(), with(result, false)),
                Err((code, why)) => assert_eq!(reply.error(), (200, code, why)),
            }
        }
    }
}

/// A handler that says itself how complete its result is, is believed.
#[tokio::test]
async fn a_result_type_is_written_once() {
    let result = json!({ "resultType": "complete", "messages": [] });
    let site = site(|guard| {
        let router = mcp::Router::with_state(guard, result.clone());
        router
            .prompt("p", answer)
            .method(Other("example/m"), answer)
    })
    .await;
    let token = site.token("files:read");
    for (method, params) in [
        ("prompts/get", json!({ "name": "p" })),
        ("example/m", json!({})),
    ] {
        let reply = site.send(&token, &new(method, params)).await;
        assert_eq!(reply.text.matches("resultType").count(), 1);
        assert_eq!(reply.result(), result);
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_an_error_that_tells_nothing() {
    async fn tool(_: Authorized<()>) -> Result<Unwritable, ToolError> {
        Ok(Unwritable)
    }
    async fn other(_: Authorized<()>) -> Result<Unwritable, CallError> {
        Ok(Unwritable)
    }
    async fn numbers(_: Authorized<()>) -> Result<BTreeMap<Vec<u8>, u8>, ToolError> {
        Ok(BTreeMap::from([(vec![1], 1)]))
    }
    let site = site(|guard| {
        mcp::Router::new(guard)
            .tool("t", tool)
            .tool("n", numbers)
            .prompt("p", other)
            .resource("f:a", other)
            .method(Other("example/m"), other)
    })
    .await;
    let token = site.token("files:read");
    for written in BOTH {
        for (method, params) in [
            ("tools/call", json!({ "name": "t" })),
            ("tools/call", json!({ "name": "n" })),
            ("prompts/get", json!({ "name": "p" })),
            ("resources/read", json!({ "uri": "f:a" })),
            ("example/m", json!({})),
        ] {
            let reply = site.send(&token, &written(method, params)).await;
            let why = "the result cannot be written as JSON".to_owned();
            assert_eq!(reply.error(), (200, -32603, why), "{method}");
        }
    }
}

#[derive(Debug)]
enum Trouble {
    ForModel,
    ForClient(CallError),
}

impl From<Trouble> for ToolFailure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::ForModel => ToolError::new("mend it").into(),
            Trouble::ForClient(error) => error.into(),
        }
    }
}

fn error_of(which: &Value) -> CallError {
    match which.as_str() {
        Some("internal") => CallError::internal("broken"),
        Some("params") => CallError::invalid_params("no such file"),
        Some("taken") => CallError::new(-32001, "mine"),
        _ => CallError::new(7, "the moon is full"),
    }
}

async fn fail(_: Authorized<()>, Params(asked): Params<Value>) -> Result<(), Trouble> {
    let which = &asked["which"];
    Err(if which.is_null() {
        Trouble::ForModel
    } else {
        Trouble::ForClient(error_of(which))
    })
}

async fn fail_so(_: Authorized<()>, Params(asked): Params<Value>) -> Result<(), CallError> {
    Err(error_of(&asked["which"]))
}

#[tokio::test]
async fn errors_have_their_codes_and_statuses() {
    let site = site(|guard| {
        mcp::Router::new(guard)
            .tool("fail", fail)
            .prompt("fail", fail_so)
            .resource("f:///{which}", fail_so)
            .method(Other("example/fail"), fail_so)
    })
    .await;
    let token = site.token("files:read");
    for (written, in_band) in IN_BAND {
        for (which, status, code, message) in [
            ("internal", 200, -32603, "broken"),
            ("params", in_band, -32602, "no such file"),
            ("taken", 200, -32603, "mine"),
            ("other", 200, 7, "the moon is full"),
        ] {
            let arguments = json!({ "which": which });
            for (method, params) in [
                (
                    "tools/call",
                    json!({ "name": "fail", "arguments": arguments }),
                ),
                (
                    "prompts/get",
                    json!({ "name": "fail", "arguments": arguments }),
                ),
                ("resources/read", json!({ "uri": format!("f:///{which}") })),
                ("example/fail", arguments.clone()),
            ] {
                let reply = site.send(&token, &written(method, params)).await;
                assert_eq!(
                    reply.error(),
                    (status, code, message.to_owned()),
                    "{method}"
                );
            }
        }
        let reply = site.send(&token, &call(written, "fail", &json!({}))).await;
        let result = reply.result();
        assert_eq!(result["isError"], true);
        assert_eq!(
            result["content"],
            json!([{ "type": "text", "text": "mend it" }])
        );
    }
}
