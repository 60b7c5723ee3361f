//! Who is let in, beside the token's scopes: rules that deny, revocation, and who learns what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use chrono::TimeDelta;
use clearance::id::{Subject, TokenId};
use clearance::mcp::{self, CallError, Params, ToolError};
use clearance::{Authorized, Guard};
use serde_json::{Value, json};

use super::fixture::{
    BOTH, Files, FilesDelete, FilesRead, LISTS, Message, Written, call, is_new, new, old, post,
    site, site_with,
};
use crate::support::http::bearer_challenge;

type Ran = Arc<AtomicU64>;

async fn tool(_: Authorized<()>, State(ran): State<Ran>) -> Result<(), ToolError> {
    ran.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

async fn text(_: Authorized<()>, State(ran): State<Ran>) -> Result<String, CallError> {
    ran.fetch_add(1, Ordering::SeqCst);
    Ok(String::new())
}

fn router(guard: &Guard<Files>, ran: &Ran) -> mcp::Router<Files, Ran> {
    mcp::Router::with_state(guard, Arc::clone(ran))
        .tool("t", tool)
        .prompt("p", text)
        .resource("f:a", text)
}

fn notification(method: &str) -> String {
    json!({ "jsonrpc": "2.0", "method": method }).to_string()
}

/// Everything that can be asked, and that a valid token with the scopes of lists is let in to.
fn everything(written: Written) -> Vec<Message> {
    let mut all = vec![
        call(written, "t", &json!({})),
        call(written, "unknown", &json!({})),
        written("prompts/get", json!({ "name": "p" })),
        written("resources/read", json!({ "uri": "f:a" })),
        written("tools/list", json!({})),
        written("prompts/list", json!({})),
        written("resources/list", json!({})),
        written("resources/templates/list", json!({})),
        written("nobody/serves", json!({})),
    ];
    all.push(if is_new(written) {
        written("server/discover", json!({}))
    } else {
        written("ping", json!({}))
    });
    all
}

/// A rule that denies is asked for calls, lists and notifications alike, and names no scope.
#[tokio::test]
async fn who_is_denied_is_denied_everything() {
    let ran = Ran::default();
    let site = site_with(
        |guard| guard.deny_if(|caller| caller.subject().as_str() == "mallory"),
        |guard| router(guard, &ran),
    )
    .await;
    let of = |who: &str| site.issuer.token().subject(who).scope(LISTS).mint();
    let (alice, mallory) = (of("alice"), of("mallory"));
    let mut bodies: Vec<_> = BOTH
        .into_iter()
        .flat_map(everything)
        .map(|message| (message.request(&mallory), message.request(&alice), true))
        .collect();
    for body in [
        notification("notifications/initialized"),
        notification("notifications/cancelled"),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }).to_string(),
    ] {
        bodies.push((post(&mallory, body.clone()), post(&alice, body), false));
    }
    let batch = format!("[{}]", call(old, "t", &json!({})).body());
    bodies.push((post(&mallory, batch.clone()), post(&alice, batch), false));
    let mut allowed = 0;
    for (denied, allowed_one, has_id) in bodies {
        let reply = site.request(denied).await;
        assert_eq!(reply.status, 403, "{reply:?}");
        let body = reply.json();
        assert_eq!(body["error"]["code"], 40301);
        assert_eq!(body.get("id").is_some(), has_id, "{reply:?}");
        assert_eq!(reply.headers.get("www-authenticate"), None);
        assert_eq!(ran.load(Ordering::SeqCst), allowed);
        let reply = site.request(allowed_one).await;
        assert!(![401, 403].contains(&reply.status), "{reply:?}");
        allowed = ran.load(Ordering::SeqCst);
    }
    assert_eq!(allowed, 7);
}

#[tokio::test]
async fn a_token_is_revoked_between_two_calls() {
    let ran = Ran::default();
    let site = site(|guard| router(guard, &ran)).await;
    let revocations = site.guard.revocations();
    for written in BOTH {
        for message in everything(written) {
            let before = ran.load(Ordering::SeqCst);
            let token = site.issuer.token().token_id("once").scope(LISTS).mint();
            let other = site.issuer.token().scope(LISTS).mint();
            let reply = site.send(&token, &message).await;
            if reply.status == 401 {
                // Revoked since the first message: it stays so.
                assert_eq!(revocations.len(), 1);
            } else {
                assert!(revocations.is_empty());
                let id = TokenId::new("once");
                revocations
                    .revoke_token(site.issuer.id(), &id)
                    .expect("revoked");
            }
            let ran_once = ran.load(Ordering::SeqCst);
            assert!(ran_once <= before + 1);
            let reply = site.send(&token, &message).await;
            assert_eq!(reply.status, 401, "{reply:?}");
            let challenge = bearer_challenge(reply.header("www-authenticate"));
            assert_eq!(challenge.get("error"), Some("invalid_token"));
            assert_eq!(ran.load(Ordering::SeqCst), ran_once);
            let reply = site.send(&other, &message).await;
            assert!(![401, 403].contains(&reply.status), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_subject_is_revoked_between_two_notifications() {
    let ran = Ran::default();
    let site = site(|guard| router(guard, &ran)).await;
    let token = site.token("files:read");
    let notify = || post(&token, notification("notifications/initialized"));
    let reply = site.request(notify()).await;
    assert_eq!((reply.status, reply.text.as_str()), (202, ""));
    assert_eq!(reply.header("cache-control"), "no-store");
    let alice = Subject::new("alice");
    let revoked = site.guard.revocations();
    revoked
        .revoke_subject(site.issuer.id(), &alice)
        .expect("revoked");
    assert_eq!(site.request(notify()).await.status, 401);
}

#[tokio::test]
async fn a_token_dies_between_two_calls() {
    let ran = Ran::default();
    let site = site(|guard| router(guard, &ran)).await;
    let token = site.token(LISTS);
    let message = call(new, "t", &json!({}));
    assert_eq!(site.send(&token, &message).await.status, 200);
    site.clock.advance(TimeDelta::minutes(11));
    for message in BOTH.into_iter().flat_map(everything) {
        let reply = site.send(&token, &message).await;
        assert_eq!(reply.status, 401, "{reply:?}");
    }
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

/// Who may not call a tool learns nothing of how it is called.
#[tokio::test]
async fn arguments_are_looked_at_after_the_scope() {
    async fn delete(
        _: Authorized<(FilesRead, FilesDelete)>,
        Params(()): Params<()>,
    ) -> Result<(), ToolError> {
        Ok(())
    }
    let site = site(|guard| mcp::Router::new(guard).tool("delete", delete)).await;
    let token = site.token("mcp:tools:read files:read");
    for written in BOTH {
        for arguments in [json!({}), json!([]), json!(null), json!({ "path": 1 })] {
            let reply = site
                .send(&token, &call(written, "delete", &arguments))
                .await;
            reply.assert_403("files:read files:delete mcp:tools:read");
        }
    }
}

/// The id is that of the request, whoever refuses it; without a token nothing is read.
#[tokio::test]
async fn a_refusal_has_the_id_of_the_request() {
    async fn delete(_: Authorized<FilesDelete>) -> Result<(), ToolError> {
        Ok(())
    }
    let site = site(|guard| mcp::Router::new(guard).tool("delete", delete)).await;
    let token = site.token("files:read");
    let message = call(new, "delete", &json!({})).id(r#""a\u0062""#);
    let reply = site.send(&token, &message).await;
    reply.assert_403("files:delete files:read");
    assert!(reply.text.contains(r#""id":"a\u0062""#), "{}", reply.text);
    let reply = site.send("", &message).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json().get("id"), None);
}

/// The metadata is beside the endpoint, for everybody.
#[tokio::test]
async fn the_metadata_is_served() {
    let site = site(mcp::Router::new).await;
    let request = http::Request::get(crate::support::M_PATH)
        .header("host", "mcp.example.com")
        .body(http_body_util::Full::default())
        .expect("a request");
    let reply = site.request(request).await;
    let document: Value = reply.json();
    assert_eq!(document["resource"], crate::support::E);
}
