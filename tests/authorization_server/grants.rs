//! Grants that a test makes by itself, without a browser.

use std::io::ErrorKind;

use clearance::testing::{AuthorizationServer, ManualClock, User};
use serde_json::{Value, json as object};

use super::flow::use_token;
use super::hostile::{is_active, revoked};
use super::tokens::{ACCESS_TOKEN, TOKEN_EXCHANGE};
use super::user_agent::*;

/// The same server twice: with JWTs, and with opaque tokens.
async fn both() -> [AuthorizationServer; 2] {
    let clock = ManualClock::at_fixed_start();
    let described = || builder(&clock).default_scope("files:write");
    [
        described().start().await.expect("a server"),
        described().opaque_tokens().start().await.expect("a server"),
    ]
}

#[tokio::test]
async fn a_grant_needs_no_browser() {
    for server in both().await {
        let token = server.grant(User::Bob, "editor", "files:read");
        let token = token.expect("a token");
        let known = introspected(&server, &token).await;
        assert_eq!(known["active"], true);
        assert_eq!(known["iss"], server.id().as_str());
        assert_eq!(known["sub"], "bob");
        assert_eq!(known["client_id"], "editor");
        assert_eq!(known["aud"], FILES);
        assert_eq!(known["scope"], "files:read");
        assert_eq!(known["act"], Value::Null);
        assert_eq!(
            known["exp"].as_i64(),
            known["iat"].as_i64().map(|at| at + 600)
        );
        let exchange = [
            ("grant_type", TOKEN_EXCHANGE),
            ("resource", MAIL),
            ("subject_token", token.as_str()),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        let exchanged = granted(&post_as_machine(&server, "/token", &exchange).await);
        let exchanged = introspected(&server, &text(&exchanged, "access_token")).await;
        assert_eq!(exchanged["sub"], "bob");
        // Nobody was asked, so no request is recorded but those above.
        assert_eq!(server.requests().len(), 3);
        // Who says nothing of scopes gets what is given then.
        let bare = server.grant(User::Alice, "machine", "").expect("a token");
        assert_eq!(introspected(&server, &bare).await["scope"], "files:write");
    }
}

#[tokio::test]
async fn a_guard_takes_the_token_of_a_grant() {
    let (server, clock) = approving().await;
    let guard = guard(&server, &clock).await;
    let token = server.grant(User::Bob, "other", "files:write");
    let expected = (200, "bob by other".to_owned());
    assert_eq!(use_token(&guard, &token.expect("a token")).await, expected);
}

#[tokio::test]
async fn each_grant_ends_alone_or_with_its_user() {
    for server in both().await {
        let heard = revoked(&server);
        let grant = |user| server.grant(user, "editor", "files:read").expect("one");
        let (first, second, bobs) = (grant(User::Alice), grant(User::Alice), grant(User::Bob));
        let name = introspected(&server, &first).await["jti"].clone();
        let form = [("client_id", "editor"), ("token", first.as_str())];
        assert_eq!(post(&server, "/revoke", &form).await.status, 200);
        assert!(!is_active(&server, &first).await);
        assert!(is_active(&server, &second).await);
        assert_eq!(object!(*heard.lock().expect("a lock")), object!([name]));
        server.revoke_user(User::Alice);
        assert!(!is_active(&server, &second).await);
        assert!(is_active(&server, &bobs).await);
        assert_eq!(heard.lock().expect("a lock").len(), 2);
    }
}

#[tokio::test]
async fn a_grant_is_for_a_known_client_and_known_scopes() {
    for server in both().await {
        for (client, scope) in [
            ("nobody", "files:read"),
            ("", "files:read"),
            ("editor", "files:reed"),
            ("editor", "files:read files:reed"),
            ("editor", "files:read  files:write"),
            ("editor", " "),
        ] {
            let error = server.grant(User::Alice, client, scope);
            let error = error.expect_err("it was granted");
            assert_eq!(
                error.kind(),
                ErrorKind::InvalidInput,
                "{client:?} {scope:?}"
            );
        }
    }
}

/// Whoever listens is told what is forgotten for a new grant.
#[tokio::test]
async fn old_grants_are_forgotten_for_new_ones() {
    let [_, server] = both().await;
    let heard = revoked(&server);
    let grant = || server.grant(User::Alice, "editor", "files:read");
    let first = grant().expect("a token");
    let name = introspected(&server, &first).await["jti"].clone();
    for _ in 0..9_999 {
        grant().expect("a token");
    }
    assert!(is_active(&server, &first).await);
    grant().expect("a token");
    assert_eq!(object!(*heard.lock().expect("a lock")), object!([name]));
    assert!(!is_active(&server, &first).await);
}
