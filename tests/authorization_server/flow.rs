//! The way from the request to a guarded handler.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::routing::get as route;
use chrono::TimeDelta;
use clearance::jwk::Algorithm;
use clearance::testing::{AuthorizationServer, ManualClock, ServerFault, User};
use clearance::{Authorized, Guard};
use tower::ServiceExt as _;

use super::user_agent::*;

async fn read(proof: Authorized<FilesRead>) -> String {
    format!("{} by {}", proof.subject(), proof.client())
}

/// What a guarded handler answers to the token.
pub async fn use_token(guard: &Guard<FilesScopes>, token: &str) -> (u16, String) {
    let app = axum::Router::new().route("/", route(read));
    let request = http::Request::get("/").header("authorization", format!("Bearer {token}"));
    let request = request.body(Body::empty()).expect("a request");
    let answer = app.with_state(guard.clone()).oneshot(request).await;
    let answer = answer.expect("an answer");
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 9999)
        .await
        .expect("a body");
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_code_becomes_tokens_that_a_guard_accepts() {
    let (server, clock) = approving().await;
    let guard = guard(&server, &clock).await;
    let answer = authorize(&server, &[]).await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
    assert_eq!(
        parameter(&answer, "iss").as_deref(),
        Some(server.id().as_str())
    );
    let location = answer.header("location").expect("a location");
    assert!(location.starts_with(CALLBACK), "{location}");

    let code = parameter(&answer, "code").expect("a code");
    let tokens = granted(&post(&server, "/token", &redemption(&code, &[])).await);
    assert_eq!(tokens["expires_in"], 600);
    assert_eq!(tokens["scope"], "files:read");
    let access = text(&tokens, "access_token");
    let claims = claims(&access);
    assert_eq!(claims["aud"], FILES);
    assert_eq!(claims["iss"], server.id().as_str());
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["client_id"], "editor");
    assert_eq!(claims["scope"], "files:read");
    assert_eq!(
        claims["exp"].as_i64(),
        claims["iat"].as_i64().map(|at| at + 600)
    );
    let expected = (200, "alice by editor".to_owned());
    assert_eq!(use_token(&guard, &access).await, expected);

    // And once more with a token that came of the refresh token.
    let shown = text(&tokens, "refresh_token");
    let next = granted(&post(&server, "/token", &refresh(&shown, &[])).await);
    assert_ne!(text(&next, "refresh_token"), shown);
    assert_ne!(text(&next, "access_token"), access);
    assert_eq!(
        use_token(&guard, &text(&next, "access_token")).await,
        expected
    );
}

#[tokio::test]
async fn a_token_of_another_resource_is_refused_there_alone() {
    let (server, clock) = approving().await;
    let guard = guard(&server, &clock).await;
    let both = form(request(&[])) + "&" + &form([("resource", MAIL)]);
    let answer = get(&server, &format!("/authorize?{both}")).await;
    let code = parameter(&answer, "code").expect("a code");
    let mail = redemption(&code, &[("resource", MAIL)]);
    let tokens = granted(&post(&server, "/token", &mail).await);
    assert_eq!(
        use_token(&guard, &text(&tokens, "access_token")).await.0,
        401
    );
    let files = post(
        &server,
        "/token",
        &refresh(&text(&tokens, "refresh_token"), &[]),
    )
    .await;
    let files = text(&granted(&files), "access_token");
    assert_eq!(use_token(&guard, &files).await.0, 200);
}

#[tokio::test]
async fn keys_change_under_a_guard() {
    let clock = ManualClock::at_fixed_start();
    let server = builder(&clock)
        .approve_automatically(User::Alice)
        // So that nothing here is refused because of its age.
        .access_token_lifetime(TimeDelta::hours(2));
    let server = server.start().await.expect("a server");
    let guard = guard(&server, &clock).await;
    let before = text(&tokens(&server).await, "access_token");
    server.rotate(Algorithm::ES256);
    // A guard asks for keys again, but not at once.
    clock.advance(TimeDelta::minutes(1));
    let after = text(&tokens(&server).await, "access_token");
    assert_eq!(use_token(&guard, &after).await.0, 200);
    clock.advance(TimeDelta::minutes(30));
    assert_eq!(use_token(&guard, &before).await.0, 401);
    assert_eq!(use_token(&guard, &after).await.0, 200);
}

#[tokio::test]
async fn keys_come_and_go() {
    let (server, _) = approving().await;
    let published = async || {
        let keys: serde_json::Value =
            serde_json::from_str(&get(&server, "/jwks").await.body).expect("JSON");
        let keys = keys["keys"].as_array().expect("keys").clone();
        keys.iter().map(|key| text(key, "kid")).collect::<Vec<_>>()
    };
    let first = published().await;
    assert_eq!(first.len(), 1);
    let added = server.add_key(Algorithm::ES384);
    assert_eq!(published().await, [first[0].clone(), added.clone()]);
    assert!(server.retire(&first[0]));
    assert!(!server.retire(&first[0]));
    assert_eq!(published().await, std::slice::from_ref(&added));
    let rotated = server.rotate(Algorithm::ES384);
    assert_ne!(rotated, added);
    assert_eq!(published().await, [rotated]);
}

#[tokio::test]
async fn a_guard_hears_of_revocations() {
    let (server, clock) = approving().await;
    let guard = guard(&server, &clock).await;
    let revocations = guard.revocations().clone();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    server.on_revoked(move |issuer, token| {
        revocations.revoke_token(issuer, token).expect("a place");
        listener
            .lock()
            .expect("a lock")
            .push(token.as_str().to_owned());
    });
    let first = tokens(&server).await;
    let access = text(&first, "access_token");
    assert_eq!(use_token(&guard, &access).await.0, 200);
    let form = [("client_id", "editor"), ("token", access.as_str())];
    assert_eq!(post(&server, "/revoke", &form).await.status, 200);
    assert_eq!(use_token(&guard, &access).await.0, 401);
    assert_eq!(
        *heard.lock().expect("a lock"),
        [text(&claims(&access), "jti")]
    );

    let second = tokens(&server).await;
    let waiting = code(&server, &[]).await;
    server.revoke_user(User::Bob);
    assert_eq!(
        use_token(&guard, &text(&second, "access_token")).await.0,
        200
    );
    server.revoke_user(User::Alice);
    assert_eq!(
        use_token(&guard, &text(&second, "access_token")).await.0,
        401
    );
    let shown = text(&second, "refresh_token");
    for form in [refresh(&shown, &[]), redemption(&waiting, &[])] {
        assert_error(&post(&server, "/token", &form).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn whoever_says_no_is_believed() {
    let clock = ManualClock::at_fixed_start();
    let server = builder(&clock).start().await.expect("a server");
    server.deny_automatically();
    let answer = authorize(&server, &[]).await;
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
    assert_eq!(
        parameter(&answer, "iss").as_deref(),
        Some(server.id().as_str())
    );
    assert_eq!(parameter(&answer, "code"), None);
    server.approve_automatically(User::Bob);
    let bob = text(&tokens(&server).await, "access_token");
    assert_eq!(claims(&bob)["sub"], "bob");
    server.ask_for_consent();
    assert_eq!(authorize(&server, &[]).await.status, 200);
}

#[tokio::test]
async fn it_breaks_the_rules_when_told() {
    let (server, _) = approving().await;
    server.misbehave(ServerFault::OtherIss("https://evil.example.com".to_owned()));
    server.misbehave(ServerFault::OtherState("another".to_owned()));
    let answer = authorize(&server, &[]).await;
    assert_eq!(
        parameter(&answer, "iss").as_deref(),
        Some("https://evil.example.com")
    );
    assert_eq!(parameter(&answer, "state").as_deref(), Some("another"));
    server.behave();
    server.misbehave(ServerFault::NoIss);
    assert_eq!(parameter(&authorize(&server, &[]).await, "iss"), None);
    server.behave();
    assert!(parameter(&authorize(&server, &[]).await, "iss").is_some());
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let resource = || FILES.parse().expect("a resource");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let address = address.parse().expect("an address");
        let started = AuthorizationServer::builder(resource())
            .bind(address)
            .start()
            .await;
        let error = started.expect_err("it started");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{address}");
    }
    // A port that is asked for is not another one.
    let first = AuthorizationServer::start(resource()).await.expect("one");
    let taken = AuthorizationServer::builder(resource()).port(address(&first).port());
    let error = taken.start().await.expect_err("it started");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let other = AuthorizationServer::builder(resource()).bind("127.0.0.2:0".parse().expect("one"));
    let other = other.path("/t1").start().await.expect("a server");
    assert!(other.id().as_str().starts_with("http://127.0.0.2:"));
    assert!(other.id().as_str().ends_with("/t1"));
    assert_eq!(get(&other, "/t1/jwks").await.status, 200);
    assert_eq!(get(&other, "/jwks").await.status, 404);
    for (place, status) in [
        ("/.well-known/oauth-authorization-server/t1", 200),
        ("/.well-known/openid-configuration/t1", 200),
        ("/t1/.well-known/openid-configuration", 200),
        ("/.well-known/oauth-authorization-server", 404),
        ("/.well-known/openid-configuration", 404),
    ] {
        assert_eq!(get(&other, place).await.status, status, "{place}");
    }
    let bare = || AuthorizationServer::builder(resource());
    for impossible in [
        bare().public_client("x", ["app://x"]),
        bare().client("alice", "a secret", ""),
        bare().client("", "a secret", ""),
        bare().client("x", "", ""),
        bare().public_client("", [CALLBACK]),
        bare()
            .client("x", "a secret", "")
            .public_client("x", [CALLBACK]),
        bare()
            .client("x", "a secret", "files:reed")
            .describing::<FilesScopes>(),
        bare()
            .default_scope("files:reed")
            .describing::<FilesScopes>(),
        bare().default_scope("a  b"),
    ] {
        let error = impossible.start().await.expect_err("it started");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
