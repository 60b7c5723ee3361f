//! Arguments that do not fit, and what else a handler takes.

use axum::extract::State;
use clearance::mcp::method::{CompletionComplete, Other};
use clearance::mcp::{self, CallError, CompletionRead, Params, ToolError};
use clearance::{Authorized, Caller};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fixture::{IN_BAND, Reply, call, old, site};

#[derive(Deserialize)]
struct Sum {
    a: i64,
    #[serde(default)]
    b: i64,
}

async fn sum(_: Authorized<()>, Params(sum): Params<Sum>) -> Result<i64, ToolError> {
    Ok(sum.a + sum.b)
}

async fn sum_so(_: Authorized<()>, Params(sum): Params<Sum>) -> Result<String, CallError> {
    Ok(format!("{}", sum.a + sum.b))
}

async fn index(_: Authorized<()>, Params(sum): Params<Sum>) -> Result<Value, CallError> {
    Ok(json!({ "sum": sum.a + sum.b }))
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_told_to_the_model_or_the_client() {
    let site = site(|guard| {
        mcp::Router::new(guard)
            .tool("sum", sum)
            .prompt("sum", sum_so)
            .resource("f:///{a}", sum_so)
            .method(Other("example/sum"), index)
    })
    .await;
    let token = site.token("files:read");
    let send = async |message| -> Reply { site.send(&token, &message).await };
    for (written, status) in IN_BAND {
        let result = send(call(written, "sum", &json!({ "a": 2, "b": 3 })))
            .await
            .result();
        assert_eq!(result["content"][0]["text"], "5");
        for arguments in [
            json!({}),
            json!({ "b": 1 }),
            json!({ "a": "1" }),
            json!({ "a": 1.5 }),
            json!({ "a": null }),
            json!({ "a": 1, "b": {} }),
            json!([]),
            json!("a"),
            json!(null),
        ] {
            let result = send(call(written, "sum", &arguments)).await.result();
            assert_eq!(result["isError"], true);
            let text = result["content"][0]["text"].as_str().expect("a text");
            assert!(text.starts_with("invalid arguments: "), "{text}");
            let params = json!({ "name": "sum", "arguments": arguments });
            let expected = (status, -32602, "invalid params".to_owned());
            assert_eq!(send(written("prompts/get", params)).await.error(), expected);
        }
        // Without arguments they are `{}`, which lacks `a`.
        let result = send(written("tools/call", json!({ "name": "sum" })))
            .await
            .result();
        assert_eq!(result["isError"], true);
        let expected = (status, -32602, "invalid params".to_owned());
        let reply = send(written("example/sum", json!({ "b": 1 }))).await;
        assert_eq!(reply.error(), expected);
        // A variable is a text.
        let reply = send(written("resources/read", json!({ "uri": "f:///1" }))).await;
        assert_eq!(reply.error(), expected);
        let result = send(written("example/sum", json!({ "a": 1 })))
            .await
            .result();
        assert_eq!(result["sum"], 1);
    }
    // A member that stands twice is nobody's.
    let message = call(old, "sum", &json!({}));
    let body = message.body().replace("{}", r#"{"a":1,"a":2}"#);
    let reply = site.request(super::fixture::post(&token, body)).await;
    assert_eq!(reply.result()["isError"], true);
}

/// Who has something completed needs what using it needs; what is not known here is not completed.
#[tokio::test]
async fn completion_demands_what_it_is_about() {
    async fn complete(_: Authorized<()>, _: Params<Value>) -> Result<Value, CallError> {
        Ok(json!({ "completion": { "values": [] } }))
    }
    async fn of_prompts(_: Authorized<CompletionRead>) -> Result<String, CallError> {
        Ok(String::new())
    }
    async fn of_all(_: Authorized<()>) -> Result<String, CallError> {
        Ok(String::new())
    }
    let site = site(|guard| {
        mcp::Router::new(guard)
            .method(CompletionComplete.demanding::<()>(), complete)
            .prompt("guarded", of_prompts)
            .prompt("open", of_all)
            .resource("f:///guarded/{name}", of_prompts)
            .resource("f:///{dir}/open", of_all)
            .resource("f:///deep/{*path}", of_prompts)
    })
    .await;
    let prompt = |name| json!({ "type": "ref/prompt", "name": name });
    let resource = |uri| json!({ "type": "ref/resource", "uri": uri });
    let token = site.token("files:read");
    for (reference, code) in [
        (prompt("open"), None),
        (prompt("guarded"), Some(40300)),
        (prompt("other"), Some(-32602)),
        // It could stand for what is guarded.
        (resource("f:///{dir}/open"), Some(40300)),
        (resource("f:///x/open"), None),
        // As who reads dots as names sees it, too.
        (resource("f:///deep/../x/open"), Some(40300)),
        (resource("f:///guarded/{name}"), Some(40300)),
        (resource("f:///guarded/{other}"), Some(40300)),
        (resource("f:///guarded/x"), Some(40300)),
        (resource("f:///{a}/{b}"), Some(40300)),
        (resource("f:///{+all}"), Some(40300)),
        (resource("f:///other/{x}/y"), Some(-32602)),
        (resource("f:///guarded/../{x}"), Some(-32602)),
        (
            json!({ "type": "ref/prompt", "name": "open", "Name": "guarded" }),
            Some(-32602),
        ),
        (json!({ "type": "ref/tool", "name": "open" }), Some(-32602)),
        (json!(null), Some(-32602)),
    ] {
        for (written, _) in IN_BAND {
            let params = json!({ "ref": reference });
            let reply = site
                .send(&token, &written("completion/complete", params))
                .await;
            assert_eq!(reply.json()["error"]["code"].as_i64(), code, "{reference}");
        }
    }
}

/// In any order after the proof.
#[tokio::test]
async fn a_handler_takes_what_it_needs() {
    async fn all(
        auth: Authorized<()>,
        caller: Caller,
        State(state): State<&'static str>,
        Params(params): Params<Value>,
        State(again): State<&'static str>,
    ) -> Result<Value, ToolError> {
        let same = auth.subject() == caller.subject();
        Ok(json!([same, state, params, again]))
    }
    async fn complete(
        _: Authorized<CompletionRead>,
        Params(params): Params<Value>,
    ) -> Result<Value, CallError> {
        Ok(json!({ "completion": { "values": [params["argument"]["value"]] } }))
    }
    let site = site(|guard| {
        mcp::Router::with_state(guard, "the state")
            .tool("all", all)
            .tool("closure", async |_: Authorized<()>| {
                Ok::<_, ToolError>("closed")
            })
            .method(CompletionComplete, complete)
    })
    .await;
    let token = site.token("mcp:completion:read");
    let result = site
        .send(&token, &call(old, "all", &json!({ "x": 1 })))
        .await;
    let text = r#"[true,"the state",{"x":1},"the state"]"#;
    assert_eq!(result.result()["content"][0]["text"], text);
    let result = site.send(&token, &call(old, "closure", &json!({}))).await;
    assert_eq!(result.result()["content"][0]["text"], "closed");
    let argument = json!({ "argument": { "name": "x", "value": "y" } });
    let reply = site
        .send(&token, &old("completion/complete", argument))
        .await;
    assert_eq!(reply.result()["completion"]["values"], json!(["y"]));
}
