//! Access tokens that say nothing: only the server knows what they are worth.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::testing::{AuthorizationServer, ManualClock, User};
use serde_json::json as object;

use super::flow::use_token;
use super::hostile::{is_active, revoked};
use super::tokens::{ACCESS_TOKEN, TOKEN_EXCHANGE};
use super::user_agent::*;

/// A server that says yes as Alice, and whose tokens are opaque.
async fn opaque() -> (AuthorizationServer, ManualClock) {
    let clock = ManualClock::at_fixed_start();
    let server = builder(&clock).opaque_tokens();
    let server = server.approve_automatically(User::Alice);
    (server.start().await.expect("a server"), clock)
}

#[tokio::test]
async fn an_opaque_token_is_nothing_but_random() {
    let (server, clock) = opaque().await;
    let first = tokens(&server).await;
    assert_eq!(first["expires_in"], 600);
    assert_eq!(first["scope"], "files:read");
    let shown = text(&first, "refresh_token");
    let second = granted(&post(&server, "/token", &refresh(&shown, &[])).await);
    let machine = [
        ("grant_type", "client_credentials"),
        ("resource", FILES),
        ("scope", "files:read"),
    ];
    let own = granted(&post_as_machine(&server, "/token", &machine).await);
    let mut seen = vec![shown];
    for tokens in [&first, &second, &own] {
        let access = text(tokens, "access_token");
        let bytes = URL_SAFE_NO_PAD.decode(&access).expect("base64url");
        assert_eq!(bytes.len(), 32);
        assert!(!seen.contains(&access));
        // Nor does the name of a token give the token away.
        let name = text(&introspected(&server, &access).await, "jti");
        assert!(name != access && !is_active(&server, &name).await);
        seen.extend([access, name]);
    }
    // Nobody reads it but the server, and what is minted by hand is read as before.
    let guard = guard(&server, &clock).await;
    assert_eq!(use_token(&guard, &seen[1]).await.0, 401);
    let minted = server.token().scope("files:read").client("editor").mint();
    let expected = (200, "alice by editor".to_owned());
    assert_eq!(use_token(&guard, &minted).await, expected);
    assert!(!is_active(&server, &minted).await);
}

#[tokio::test]
async fn what_an_opaque_token_is_worth_is_told() {
    let (server, clock) = opaque().await;
    let access = text(&tokens(&server).await, "access_token");
    let known = introspected(&server, &access).await;
    let now = clearance::clock::Clock::now(&clock).timestamp();
    let expected = object!({
        "active": true,
        "iss": server.id().as_str(),
        "sub": "alice",
        "aud": FILES,
        "client_id": "editor",
        "scope": "files:read",
        "jti": known["jti"],
        "iat": now,
        "exp": now + 600,
        "token_type": "Bearer",
    });
    assert_eq!(known, expected);
    clock.advance(chrono::TimeDelta::milliseconds(599_999));
    assert!(is_active(&server, &access).await);
    clock.advance(chrono::TimeDelta::milliseconds(1));
    assert!(!is_active(&server, &access).await);
}

#[tokio::test]
async fn an_opaque_token_is_revoked_as_any_other() {
    let (server, _) = opaque().await;
    let heard = revoked(&server);
    let first = tokens(&server).await;
    let access = text(&first, "access_token");
    let name = text(&introspected(&server, &access).await, "jti");
    let by = |client: &'static str| [("client_id", client), ("token", access.as_str())];
    let other = post(&server, "/revoke", &by("other")).await;
    assert_error(&other, 400, "invalid_grant");
    assert!(is_active(&server, &access).await);
    assert_eq!(post(&server, "/revoke", &by("editor")).await.status, 200);
    assert!(!is_active(&server, &access).await);
    assert_eq!(*heard.lock().expect("a lock"), [name]);
    // The grant goes on, until the user ends it.
    let shown = text(&first, "refresh_token");
    let second = granted(&post(&server, "/token", &refresh(&shown, &[])).await);
    let access = text(&second, "access_token");
    assert!(is_active(&server, &access).await);
    server.revoke_user(User::Alice);
    assert!(!is_active(&server, &access).await);
    assert_eq!(heard.lock().expect("a lock").len(), 2);
}

#[tokio::test]
async fn an_opaque_token_is_exchanged() {
    let (server, _) = opaque().await;
    let first = tokens(&server).await;
    let access = text(&first, "access_token");
    let exchange = async |subject: &str| {
        let form = [
            ("grant_type", TOKEN_EXCHANGE),
            ("resource", MAIL),
            ("subject_token", subject),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        post_as_machine(&server, "/token", &form).await
    };
    let exchanged = text(&granted(&exchange(&access).await), "access_token");
    assert_eq!(exchanged.len(), 43);
    let known = introspected(&server, &exchanged).await;
    assert_eq!(known["sub"], "alice");
    assert_eq!(known["aud"], MAIL);
    assert_eq!(known["act"], object!({ "sub": "machine" }));
    // A refresh token looks alike, and is none.
    let shown = text(&first, "refresh_token");
    assert_error(&exchange(&shown).await, 400, "invalid_request");
    assert!(!is_active(&server, &shown).await);
}
