//! Whose tools run in a session, when another token shows up in it.

use serde_json::json;

use super::stage::{Mode, assert_challenges, last, stage};
use crate::support::request::Request;

/// RS-112: another user's token in a session is refused, and never mixed with the owner's.
#[tokio::test]
async fn another_users_token_is_refused() {
    let stage = stage(Mode::Sessions).await;
    let token = |name, scopes| stage.server.scoped(scopes).subject(name).mint();
    let (alice, bob) = (token("alice", "files:read"), token("bob", "mcp:admin"));
    let session = stage.begin(&alice).await;
    let call = |call: &str, token: &str| {
        let request = Request::new(Mode::Sessions.revision(), call).bearer(token);
        request.with("mcp-session-id", &session)
    };
    for what in [
        "tools/call whoami",
        "tools/call delete",
        "tools/list",
        "resources/read file:///readme",
    ] {
        let answer = stage.send(&call(what, &bob)).await;
        assert_eq!(answer.status, 404, "{what} {answer:?}");
        assert!(stage.server.log.take().is_empty(), "{what}");
    }
    let answer = stage.send(&call("tools/call whoami", &alice)).await;
    assert_eq!(last(&answer)["result"]["content"][0]["text"], "alice");
}

/// What counts is the token of the request, not that with which the session began.
#[tokio::test]
async fn a_session_grants_nothing_by_itself() {
    let stage = stage(Mode::Sessions).await;
    let token = |scopes| stage.server.scoped(scopes).subject("alice").mint();
    let (strong, weak) = (token("files:read files:write"), token("a"));
    for (first, then) in [(&strong, &weak), (&weak, &strong)] {
        let session = stage.begin(first).await;
        for token in [first, then, first] {
            let request = Request::new(Mode::Sessions.revision(), "tools/call write");
            let request = request.bearer(token).with("mcp-session-id", &session);
            let file = json!({ "params": { "arguments": { "path": "a" } } });
            let answer = stage.send(&request.patched(&file)).await;
            if token == &strong {
                let text = &last(&answer)["result"]["content"][0]["text"];
                assert_eq!(text, "alice wrote a", "{answer:?}");
                assert_eq!(stage.server.log.take(), ["write"]);
            } else {
                assert_challenges(&answer, "files:read files:write a");
                assert!(stage.server.log.take().is_empty());
            }
        }
    }
}

/// A token that dies in the middle of a session ends what it may.
#[tokio::test]
async fn a_token_that_died_is_refused_in_its_session() {
    let stage = stage(Mode::Sessions).await;
    let token = stage.server.scoped("files:read").token_id("gone").mint();
    let session = stage.begin(&token).await;
    let request = Request::new(Mode::Sessions.revision(), "tools/call whoami").bearer(&token);
    let request = request.with("mcp-session-id", &session);
    assert_eq!(stage.send(&request).await.status, 200);
    stage.server.log.take();
    let revocations = stage.server.guard.revocations();
    let id = clearance::id::TokenId::new("gone");
    revocations
        .revoke_token(stage.server.issuer.id(), &id)
        .expect("revoked");
    let answer = stage.send(&request).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(stage.server.log.take().is_empty());
}
