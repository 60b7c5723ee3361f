//! Scopes that a handler asks for after the layer has let the request pass.

use clearance::rmcp::Secured;
use rmcp::model::{CallToolRequestParams, CallToolResponse, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::files::Files;
use super::stage::{
    Mode, assert_challenges, last, layer, open, router, stage, stage_of, stage_with,
};
use crate::support::client::{open as stream_of, soon};
use crate::support::{Answer, Logs, plain};

/// That a caller was refused who lacks a scope: with a challenge where that is possible.
#[track_caller]
pub(super) fn assert_refused(mode: Mode, answer: &Answer, scope: &str) {
    if mode.waits() {
        assert_challenges(answer, scope);
        return;
    }
    assert_eq!(answer.status, 200, "{mode:?} {answer:?}");
    assert!(answer.header("www-authenticate").is_none());
    let message = last(answer);
    let error = &message["error"];
    assert_eq!(error["code"], 40300, "{mode:?} {answer:?}");
    assert_eq!(error["message"], "insufficient scope");
    assert_eq!(error["data"]["scope"], scope);
    let correlation = answer.header("x-correlation-id").expect("an id");
    assert_eq!(error["data"]["correlationId"], correlation);
}

/// What the arguments decide is a step-up as well.
#[tokio::test]
async fn a_scope_that_arguments_decide_is_challenged() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        let over = json!({ "over": true });
        let answer = stage.tool("copy", &over, "files:read").await;
        assert_refused(mode, &answer, "files:write files:read");
        assert!(stage.server.log.take().is_empty(), "{mode:?}");
        let answer = stage.tool("copy", &over, "files:read files:write").await;
        assert_eq!(last(&answer)["result"]["content"][0]["text"], "copied");
        let answer = stage.tool("copy", &json!({}), "files:read").await;
        assert_eq!(last(&answer)["result"]["content"][0]["text"], "copied");
        let answer = stage
            .call("completion/complete", &completion(), "files:read")
            .await;
        assert_refused(mode, &answer, "b files:read");
        let answer = stage.call("completion/complete", &completion(), "b").await;
        assert!(last(&answer)["result"].is_object(), "{mode:?} {answer:?}");
        assert_eq!(stage.server.log.take(), ["copy", "copy", "complete"]);
    }
}

fn completion() -> Value {
    json!({
        "ref": { "type": "ref/prompt", "name": "hello" },
        "argument": { "name": "path", "value": "a" }
    })
}

/// Where a handler goes on although it was refused, its answer counts: nobody is challenged.
#[tokio::test]
async fn a_refusal_that_is_not_the_answer_does_not_count() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        let shrug = async |path: &str| {
            let answer = stage
                .tool("shrug", &json!({ "path": path }), "files:read")
                .await;
            assert!(answer.header("www-authenticate").is_none(), "{answer:?}");
            assert_ne!(answer.status, 403, "{mode:?} {answer:?}");
            last(&answer)
        };
        let message = shrug("").await;
        assert_eq!(message["result"]["content"][0]["text"], "refused: true");
        let message = shrug("another error").await;
        assert_eq!(message["error"]["code"], -32602, "{message}");
        let message = shrug("the same, changed").await;
        assert_eq!(message["error"]["message"], "a story", "{message}");
        assert_eq!(stage.server.log.take(), ["shrug"; 3]);
    }
}

/// Once the head was sent, the error is the answer.
#[tokio::test]
async fn after_the_head_the_error_is_the_answer() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let (gate, policy) = (files.gate(), files.policy());
        let stage = stage_with(server, files, policy, mode).await;
        let token = stage.server.token("files:read");
        let request = stage.request("tools/call report", &token).await;
        let request = request.patched(&json!({ "params": { "_meta": { "progressToken": 1 } } }));
        let (_connection, mut stream) = stream_of(stage.address, &request).await;
        assert_eq!(stream.status(), 200, "{mode:?}");
        let told = soon(stream.until("notifications/progress")).await;
        assert!(!told.contains("40300"), "{told}");
        gate.add_permits(1);
        let error = soon(stream.until("40300")).await;
        assert!(error.contains("files:write files:read"), "{mode:?} {error}");
    }
}

/// Whatever the policy says, the handlers' own types decide.
#[tokio::test]
async fn the_routers_check_once_more() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let stage = stage_with(server, files, open(), mode).await;
        let file = json!({ "arguments": { "path": "a" } });
        for (call, params, scopes, asked) in [
            ("tools/call read", file.clone(), "", "files:read"),
            (
                "tools/call write",
                file.clone(),
                "files:read",
                "files:read files:write",
            ),
            ("tools/call either", json!({}), "files:read", "a files:read"),
            ("tools/call delete", json!({}), "", "mcp:admin"),
            ("prompts/get greet", file, "a", "files:read a"),
            ("resources/read file:///pub/a", json!({}), "", "files:read"),
            (
                "resources/read file:///private/a",
                json!({}),
                "files:read",
                "mcp:admin files:read",
            ),
        ] {
            let answer = stage.call(call, &params, scopes).await;
            assert_refused(mode, &answer, asked);
            assert!(stage.server.log.take().is_empty(), "{mode:?} {call}");
        }
        for (call, ran) in [
            ("tools/call whoami", "whoami"),
            ("prompts/get hello", "hello"),
            ("resources/read file:///readme", "readme"),
        ] {
            let answer = stage.call(call, &json!({}), "").await;
            assert!(last(&answer)["result"].is_object(), "{mode:?} {answer:?}");
            assert_eq!(stage.server.log.take(), [ran]);
        }
        for call in [
            "tools/call shell",
            "prompts/get other",
            "resources/read file:///other",
            "resources/read file:///pub/../readme/x",
        ] {
            let answer = stage.call(call, &json!({}), "mcp:admin a b").await;
            let code = last(&answer)["error"]["code"].as_i64();
            let is_unknown = matches!(code, Some(-32602 | -32002));
            assert!(is_unknown, "{mode:?} {call} {answer:?}");
        }
    }
}

/// Without `Secured` there is nobody who knows what became of a refusal: the error is the answer.
#[tokio::test]
async fn without_secured_the_error_is_the_answer() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let layer = layer(&server.guard, files.policy());
        let stage = stage_of(server, router(files, mode).layer(layer), mode).await;
        let answer = stage
            .tool("copy", &json!({ "over": true }), "files:read")
            .await;
        assert_eq!(answer.status, 200, "{mode:?} {answer:?}");
        assert_eq!(last(&answer)["error"]["code"], 40300);
        assert!(stage.server.log.take().is_empty());
    }
    // The same server with it, so that the difference is this.
    let server = plain::server().await;
    let files = Files::new(&server.guard, &server.log);
    let layer = layer(&server.guard, files.policy());
    let service = router(Secured::new(files), Mode::Modern).layer(layer);
    let stage = stage_of(server, service, Mode::Modern).await;
    let answer = stage
        .tool("copy", &json!({ "over": true }), "files:read")
        .await;
    assert_challenges(&answer, "files:write files:read");
}

/// Asks the files server once more, in another way, when it was refused.
#[derive(Clone)]
struct Persistent(Secured<Files>);

impl ServerHandler for Persistent {
    fn get_info(&self) -> ServerConfig {
        self.0.get_info()
    }

    async fn call_tool(
        &self,
        mut call: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let answer = self.0.call_tool(call.clone(), cx.clone()).await;
        if answer.is_ok() {
            return answer;
        }
        call.arguments = None;
        self.0.call_tool(call, cx).await
    }
}

/// What is answered in the end counts, not a refusal on the way.
#[tokio::test]
async fn a_second_try_that_succeeds_is_no_refusal() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let layer = layer(&server.guard, files.policy());
        let service = router(Persistent(Secured::new(files)), mode).layer(layer);
        let stage = stage_of(server, service, mode).await;
        let over = json!({ "over": true });
        let answer = stage.tool("copy", &over, "files:read").await;
        assert_eq!(answer.status, 200, "{mode:?} {answer:?}");
        assert_eq!(last(&answer)["result"]["content"][0]["text"], "copied");
        assert_eq!(stage.server.log.take(), ["copy"]);
    }
}

/// Two of them say the same as one.
#[tokio::test]
async fn twice_secured_is_secured() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let layer = layer(&server.guard, files.policy());
        let service = router(Secured::new(Secured::new(files)), mode).layer(layer);
        let stage = stage_of(server, service, mode).await;
        let over = json!({ "over": true });
        let answer = stage.tool("copy", &over, "files:read").await;
        assert_refused(mode, &answer, "files:write files:read");
        assert!(stage.server.log.take().is_empty(), "{mode:?}");
    }
}

/// A call that was let in is written down once, however often it is looked at; what a handler asks for by
/// itself is one more decision.
#[tokio::test]
async fn a_decision_is_written_down_once() {
    // Each event has it, and no span.
    const DECISION: &str = "from_cache=";
    let logs = Logs::capture();
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        let token = stage.server.token("files:read files:write");
        for (over, decisions) in [(false, 1), (true, 2)] {
            let request = stage.request("tools/call copy", &token).await;
            let arguments = json!({ "params": { "arguments": { "over": over } } });
            let before = logs.text().matches(DECISION).count();
            let answer = stage.send(&request.patched(&arguments)).await;
            assert_eq!(last(&answer)["result"]["content"][0]["text"], "copied");
            let after = logs.text().matches(DECISION).count();
            assert_eq!(after.saturating_sub(before), decisions, "{mode:?} {over}");
        }
    }
}
