//! Decisions in rmcp: the layer's, and those of handlers that ask for more.

use chrono::TimeDelta;
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use serde_json::json;

use super::files::Files;
use super::stage::{Mode, Stage, last, stage_with};
use crate::audit::fixture::{Kept, line, lines, of_alice, traced};
use crate::support::client::open;
use crate::support::{self, plain};

/// The files server under a guard that keeps what it decides.
async fn stage(mode: Mode) -> (Stage, Kept) {
    let kept = Kept::default();
    let mut server = plain::server().await;
    let builder = support::strict(&server.issuer, &server.clock).unlimited();
    server.guard = builder.audit(kept.clone()).build().expect("a guard");
    server.guard.ready().await.expect("keys");
    let files = Files::new(&server.guard, &server.log);
    let policy = files.policy();
    let policy = policy.method(SubscriptionsListen, any_valid_token());
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

/// RS-149, RS-108: a subscription that is cut by its token's end is one event, although both the layer
/// and `Secured` see to it.
#[tokio::test]
async fn a_cut_subscription_is_one_event() {
    let (stage, kept) = stage(Mode::Modern).await;
    let token = stage.server.token("files:read");
    let request = stage.request("subscriptions/listen", &token).await;
    let filter = json!({ "params": { "notifications": { "toolsListChanged": true } } });
    let request = traced(&request.patched(&filter));
    let (_connection, mut stream) = open(stage.address, &request).await;
    assert_eq!(stream.status(), 200);
    stream.next().await.expect("it has begun");
    stage.server.clock.advance(TimeDelta::minutes(12));
    stream.rest().await;
    let expected = [
        "allowed subscriptions/listen",
        "ended expired subscriptions/listen",
    ];
    assert_eq!(lines(&kept.take(&stage.server.guard).await), expected);
}
