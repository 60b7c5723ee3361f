//! Decisions in rmcp: the layer's, and those of handlers that ask for more.

use chrono::TimeDelta;
use clearance::mcp::method::{SubscriptionsListen, ToolsList};
use clearance::mcp::{Policy, any_valid_token};
use clearance::rmcp::Secured;
use rmcp::model::{ServerCapabilities, ServerConfig, SubscriptionFilter};
use rmcp::service::SubscriptionContext;
use rmcp::{ErrorData, ServerHandler};
use serde_json::json;

use super::files::Files;
use super::stage::{Mode, Stage, last, layer, router, stage_of, stage_with};
use crate::audit::fixture::{Kept, line, lines, of_alice, traced};
use crate::support::client::{open, soon};
use crate::support::mcp::McpServer;
use crate::support::{self, plain};

/// A guard that keeps what it decides.
async fn server() -> (McpServer, Kept) {
    let kept = Kept::default();
    let mut server = plain::server().await;
    let builder = support::strict(&server.issuer, &server.clock).unlimited();
    server.guard = builder.audit(kept.clone()).build().expect("a guard");
    server.guard.ready().await.expect("keys");
    (server, kept)
}

/// The files server under it.
async fn stage(mode: Mode) -> (Stage, Kept) {
    let (server, kept) = server().await;
    let files = Files::new(&server.guard, &server.log);
    let policy = files.policy();
    (stage_with(server, files, policy, mode).await, kept)
}

/// RS-149: what a handler asks for by itself is a decision of its own, and what it is refused is
/// written down once, whether it becomes the answer or not.
#[tokio::test]
async fn a_handler_that_asks_late_is_one_more_event() {
    for mode in Mode::ALL {
        let (stage, kept) = stage(mode).await;
        let guard = &stage.server.guard;
        let token = stage.server.token("files:read");
        let request = stage.request("tools/call copy", &token).await;
        let over = json!({ "params": { "arguments": { "over": true } } });
        kept.take(guard).await;
        stage.send(&traced(&request.patched(&over))).await;
        let events = kept.take(guard).await;
        let from_cache = mode == Mode::Sessions;
        let of_copy = json!({
            "method": "tools/call",
            "target": "copy",
            "from_cache": from_cache,
        });
        let mut allowed = of_alice(&stage.server.issuer, "files:read", &of_copy);
        allowed["decision"] = "allowed".into();
        allowed["needed"] = "files:read".into();
        let mut refused = allowed.clone();
        refused["decision"] = "refused".into();
        refused["reason"] = "insufficient_scope".into();
        refused["needed"] = "files:write".into();
        assert_eq!(events, [allowed, refused], "{mode:?}");
    }
}

/// RS-149: lists, plain calls and what a handler does without are not written down twice.
#[tokio::test]
async fn what_handlers_do_not_ask_for_is_one_event() {
    for mode in Mode::ALL {
        let (stage, kept) = stage(mode).await;
        let guard = &stage.server.guard;
        let token = stage.server.token("files:read");
        let file = json!({ "params": { "arguments": { "path": "" } } });
        for (call, expected) in [
            ("tools/list", &["allowed tools/list"][..]),
            ("tools/call whoami", &["allowed tools/call whoami"]),
            ("tools/call read", &["allowed tools/call read"]),
            (
                "tools/call delete",
                &["refused insufficient_scope tools/call delete"],
            ),
            (
                "tools/call shrug",
                &[
                    "allowed tools/call shrug",
                    "refused insufficient_scope tools/call shrug",
                ],
            ),
            ("prompts/get hello", &["allowed prompts/get hello"]),
            (
                "resources/read file:///readme",
                &["allowed resources/read file:///readme"],
            ),
        ] {
            let request = stage.request(call, &token).await;
            let request = if call.starts_with("tools/call") {
                request.patched(&file)
            } else {
                request
            };
            kept.take(guard).await;
            stage.send(&request).await;
            let events = kept.take(guard).await;
            assert_eq!(lines(&events), expected, "{mode:?}");
        }
    }
}

/// RS-149: a late proof links a refusal as any other.
#[tokio::test]
async fn a_late_success_elevates_a_late_refusal() {
    let (stage, kept) = stage(Mode::ModernJson).await;
    let guard = &stage.server.guard;
    let over = json!({ "over": true });
    stage.tool("copy", &over, "files:read").await;
    let events = kept.take(guard).await;
    assert_eq!(events.len(), 2);
    let answer = stage.tool("copy", &over, "files:read files:write").await;
    assert_eq!(last(&answer)["result"]["content"][0]["text"], "copied");
    let after = kept.take(guard).await;
    assert_eq!(after[0]["elevates"], events[1]["correlation_id"]);
    assert_eq!(line(&after[1]), "allowed tools/call copy");
    assert!(after[1].get("elevates").is_none());
}

/// A server that has news for ever.
#[derive(Clone)]
struct News;

impl ServerHandler for News {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools();
        ServerConfig::new(capabilities.enable_tool_list_changed().build())
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(asked.clone())
    }

    async fn listen(&self, _: SubscriptionContext) -> Result<(), ErrorData> {
        std::future::pending().await
    }
}

/// RS-149, RS-108: a subscription that is cut by its token's end is one event, although both the layer
/// and `Secured` see to it.
#[tokio::test]
async fn a_cut_subscription_is_one_event() {
    let (server, kept) = server().await;
    let guard = server.guard.clone();
    let policy = Policy::closed()
        .method(SubscriptionsListen, any_valid_token())
        .method(ToolsList, any_valid_token());
    let layer = layer(&guard, policy);
    let service = router(Secured::new(News), Mode::Modern).layer(layer);
    let stage = stage_of(server, service, Mode::Modern).await;
    let token = stage.server.token("files:read");
    let request = stage.request("subscriptions/listen", &token).await;
    let filter = json!({ "params": { "notifications": { "toolsListChanged": true } } });
    let request = traced(&request.patched(&filter));
    let (_connection, mut stream) = open(stage.address, &request).await;
    assert_eq!(stream.status(), 200);
    soon(stream.until("acknowledged")).await;
    stage.server.clock.advance(TimeDelta::minutes(12));
    stream.rest().await;
    let expected = [
        "allowed subscriptions/listen",
        "ended expired subscriptions/listen",
    ];
    assert_eq!(lines(&kept.take(&guard).await), expected);
}
