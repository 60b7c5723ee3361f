//! Codes and refresh tokens in the wrong hands.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use clearance::testing::{AuthorizationServer, ServerFault};
use tokio::task::JoinSet;

use super::user_agent::*;
use crate::support::Answer;

/// The names of the tokens that are revoked from now on.
pub fn revoked(server: &AuthorizationServer) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    server.on_revoked(move |_, token| {
        listener
            .lock()
            .expect("a lock")
            .push(token.as_str().to_owned());
    });
    heard
}

pub async fn is_active(server: &AuthorizationServer, token: &str) -> bool {
    introspected(server, token).await["active"] == true
}

#[tokio::test]
async fn a_code_shown_twice_ends_what_came_of_it() {
    let (server, _) = approving().await;
    let heard = revoked(&server);
    let code = code(&server, &[]).await;
    let first = granted(&post(&server, "/token", &redemption(&code, &[])).await);
    let (access, shown) = (text(&first, "access_token"), text(&first, "refresh_token"));
    let second = granted(&post(&server, "/token", &refresh(&shown, &[])).await);
    let other = tokens(&server).await;
    assert!(is_active(&server, &access).await);

    assert_error(
        &post(&server, "/token", &redemption(&code, &[])).await,
        400,
        "invalid_grant",
    );
    let newest = text(&second, "access_token");
    for token in [&access, &newest] {
        assert!(!is_active(&server, token).await);
    }
    let shown = text(&second, "refresh_token");
    assert_error(
        &post(&server, "/token", &refresh(&shown, &[])).await,
        400,
        "invalid_grant",
    );
    let ended = [text(&claims(&access), "jti"), text(&claims(&newest), "jti")];
    assert_eq!(*heard.lock().expect("a lock"), ended);
    // What the user agreed to another time is no concern of it.
    assert!(is_active(&server, &text(&other, "access_token")).await);
}

#[tokio::test]
async fn a_code_is_good_for_one_attempt_of_its_client() {
    let (server, clock) = approving().await;
    let short = VERIFIER.trim_end_matches('k');
    let long = VERIFIER.repeat(3);
    let other_verifier = VERIFIER.replace('k', "x");
    for (changes, error) in [
        (&[("code_verifier", "")][..], "invalid_request"),
        (&[("code_verifier", CHALLENGE)], "invalid_grant"),
        (&[("code_verifier", short)], "invalid_grant"),
        (&[("code_verifier", &long)], "invalid_grant"),
        (&[("code_verifier", &other_verifier)], "invalid_grant"),
        (&[("client_id", "other")], "invalid_grant"),
        (
            &[("redirect_uri", "http://127.0.0.1:4322/callback")],
            "invalid_grant",
        ),
        (
            &[("redirect_uri", "http://127.0.0.1/callback")],
            "invalid_grant",
        ),
        (&[("resource", MAIL)], "invalid_target"),
        (&[("resource", "")], "invalid_target"),
        (
            &[("resource", "https://evil.example.com/mcp")],
            "invalid_target",
        ),
    ] {
        let code = code(&server, &[]).await;
        let wrong = post(&server, "/token", &redemption(&code, changes)).await;
        assert_error(&wrong, 400, error);
        let right = post(&server, "/token", &redemption(&code, &[])).await;
        assert_error(&right, 400, "invalid_grant");
    }
    // A challenge is no verifier, though they look alike.
    let swapped = code(&server, &[("code_challenge", VERIFIER)]).await;
    let plain = post(&server, "/token", &redemption(&swapped, &[])).await;
    assert_error(&plain, 400, "invalid_grant");

    let late = code(&server, &[]).await;
    clock.advance(TimeDelta::seconds(60));
    assert_error(
        &post(&server, "/token", &redemption(&late, &[])).await,
        400,
        "invalid_grant",
    );
    let early = code(&server, &[]).await;
    clock.advance(TimeDelta::milliseconds(59_999));
    granted(&post(&server, "/token", &redemption(&early, &[])).await);
    let guessed = redemption("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", &[]);
    assert_error(
        &post(&server, "/token", &guessed).await,
        400,
        "invalid_grant",
    );
}

#[tokio::test]
async fn oauth_2_1_clients_do_not_repeat_the_redirect_uri() {
    let (server, _) = approving().await;
    let code = code(&server, &[]).await;
    granted(
        &post(
            &server,
            "/token",
            &redemption(&code, &[("redirect_uri", "")]),
        )
        .await,
    );
}

#[tokio::test]
async fn a_refresh_token_shown_twice_ends_the_family() {
    let (server, _) = approving().await;
    let heard = revoked(&server);
    let first = tokens(&server).await;
    let stolen = text(&first, "refresh_token");
    let second = granted(&post(&server, "/token", &refresh(&stolen, &[])).await);
    let third = text(&second, "refresh_token");
    let third = granted(&post(&server, "/token", &refresh(&third, &[])).await);
    assert_eq!(heard.lock().expect("a lock").len(), 0);

    assert_error(
        &post(&server, "/token", &refresh(&stolen, &[])).await,
        400,
        "invalid_grant",
    );
    let newest = text(&third, "refresh_token");
    assert_error(
        &post(&server, "/token", &refresh(&newest, &[])).await,
        400,
        "invalid_grant",
    );
    assert_eq!(heard.lock().expect("a lock").len(), 3);
    for tokens in [&first, &second, &third] {
        assert!(!is_active(&server, &text(tokens, "access_token")).await);
    }
    // Once more changes nothing, and nobody is told twice.
    assert_error(
        &post(&server, "/token", &refresh(&stolen, &[])).await,
        400,
        "invalid_grant",
    );
    assert_eq!(heard.lock().expect("a lock").len(), 3);
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone() {
    let (server, clock) = approving().await;
    let first = tokens(&server).await;
    let shown = text(&first, "refresh_token");
    for (changes, status, error) in [
        (&[("client_id", "other")][..], 400, "invalid_grant"),
        (&[("client_id", "machine")], 401, "invalid_client"),
        (&[("client_id", "")], 401, "invalid_client"),
        (&[("client_id", "nobody")], 401, "invalid_client"),
        (&[("resource", MAIL)], 400, "invalid_target"),
        (&[("resource", "")], 400, "invalid_target"),
        (&[("scope", "files:write")], 400, "invalid_scope"),
        (&[("refresh_token", "")], 400, "invalid_request"),
        (&[("refresh_token", "guessed")], 400, "invalid_grant"),
        (&[("grant_type", "password")], 400, "unsupported_grant_type"),
        (&[("grant_type", "")], 400, "invalid_request"),
    ] {
        assert_error(
            &post(&server, "/token", &refresh(&shown, changes)).await,
            status,
            error,
        );
    }
    server.misbehave(ServerFault::RefuseRefresh);
    assert_error(
        &post(&server, "/token", &refresh(&shown, &[])).await,
        400,
        "invalid_grant",
    );
    server.behave();
    // None of that has cost it anything.
    let next = granted(&post(&server, "/token", &refresh(&shown, &[])).await);
    clock.advance(TimeDelta::days(30));
    let old = text(&next, "refresh_token");
    assert_error(
        &post(&server, "/token", &refresh(&old, &[])).await,
        400,
        "invalid_grant",
    );
}

/// What a request for client credentials with these header lines and parameters is answered.
async fn ask(
    server: &AuthorizationServer,
    lines: &[&str],
    more: &[(&'static str, &'static str)],
) -> Answer {
    let mut all = vec![FORM.to_owned()];
    all.extend(lines.iter().map(|line| (*line).to_owned()));
    let mut pairs = vec![("grant_type", "client_credentials"), ("resource", FILES)];
    pairs.extend(more);
    send(server, "POST /token", &all, &form(pairs)).await
}

/// `machine:s3cret`
const RIGHT: &str = "authorization: Basic bWFjaGluZTpzM2NyZXQ=";

const ASSERTION: (&str, &str) = ("client_assertion", "e30.e30.");
const ASSERTION_TYPE: (&str, &str) = (
    "client_assertion_type",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
);

#[tokio::test]
async fn whoever_does_not_prove_who_it_is_gets_nothing() {
    let (server, _) = approving().await;
    let machine = ("client_id", "machine");
    let secret = |secret| ("client_secret", secret);
    for (lines, more) in [
        // machine:guess, no colon, no base64, another scheme
        (&["authorization: Basic bWFjaGluZTpndWVzcw=="][..], &[][..]),
        (&["authorization: Basic bWFjaGluZQ=="], &[]),
        (&["authorization: Basic !!"], &[]),
        (&["authorization: Bearer bWFjaGluZTpzM2NyZXQ="], &[]),
        (&[], &[machine]),
        (&[], &[machine, secret("guess")]),
        (&[], &[machine, secret("s3cret ")]),
        (&[], &[("client_id", "editor"), secret("s3cret")]),
        (&[], &[secret("s3cret")]),
        // Nobody has keys here.
        (&[], &[("client_id", "editor"), ASSERTION_TYPE, ASSERTION]),
        (&[], &[ASSERTION_TYPE, ASSERTION]),
        (&[], &[]),
    ] {
        let answer = ask(&server, lines, more).await;
        assert_error(&answer, 401, "invalid_client");
        assert!(answer.header("www-authenticate").is_some());
        assert!(!answer.body.contains("s3cret"));
    }
}

#[tokio::test]
async fn a_client_proves_who_it_is_in_one_way() {
    let (server, _) = approving().await;
    let machine = ("client_id", "machine");
    granted(&ask(&server, &[RIGHT], &[]).await);
    granted(&ask(&server, &[RIGHT], &[machine]).await);
    granted(&ask(&server, &["authorization: bAsIc bWFjaGluZTpzM2NyZXQ="], &[]).await);
    for (lines, more, error) in [
        (&[RIGHT, RIGHT][..], &[][..], "invalid_request"),
        (&[RIGHT], &[("client_secret", "s3cret")], "invalid_request"),
        (&[RIGHT], &[("client_id", "editor")], "invalid_request"),
        (&[RIGHT], &[ASSERTION], "invalid_request"),
        (&[RIGHT], &[ASSERTION_TYPE], "invalid_request"),
        (&[], &[machine, ASSERTION], "invalid_request"),
        (&[], &[machine, ASSERTION_TYPE], "invalid_request"),
        (&[RIGHT], &[("scope", "files:admin")], "invalid_scope"),
        (&[RIGHT], &[("resource", MAIL)], "invalid_target"),
        (&[RIGHT], &[("x", "1"), ("x", "1")], "invalid_request"),
    ] {
        assert_error(&ask(&server, lines, more).await, 400, error);
    }
}

#[tokio::test]
async fn a_form_is_a_form_in_the_body() {
    let (server, _) = approving().await;
    for kind in ["application/json", "text/plain", "multipart/form-data", ""] {
        let code = code(&server, &[]).await;
        let body = form(redemption(&code, &[]));
        let lines = [format!("content-type: {kind}")];
        assert_error(
            &send(&server, "POST /token", &lines, &body).await,
            400,
            "invalid_request",
        );
        // Such a request is not even looked at.
        granted(&post(&server, "/token", &redemption(&code, &[])).await);
    }
    let code = code(&server, &[]).await;
    let body = form(redemption(&code, &[]));
    for start in ["POST /token?x=1".to_owned(), format!("POST /token?{body}")] {
        let answer = send(&server, &start, &[FORM.to_owned()], &body).await;
        assert_error(&answer, 400, "invalid_request");
    }
    let twice = [FORM.to_owned(), FORM.to_owned()];
    assert_error(
        &send(&server, "POST /token", &twice, &body).await,
        400,
        "invalid_request",
    );
    let charset = ["Content-Type: Application/X-WWW-Form-Urlencoded; charset=utf-8".to_owned()];
    granted(&send(&server, "POST /token", &charset, &body).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_who_show_one_code_one_gets_tokens() {
    let (server, _) = approving().await;
    let heard = revoked(&server);
    let server = Arc::new(server);
    let code = Arc::new(code(&server, &[]).await);
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (server, code) = (Arc::clone(&server), Arc::clone(&code));
        tasks.spawn(async move { post(&server, "/token", &redemption(&code, &[])).await });
    }
    let answers = tasks.join_all().await;
    let winners: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(winners.len(), 1);
    // And that one has nothing of it, for nobody knows who it was.
    let access = text(&granted(winners[0]), "access_token");
    assert!(!is_active(&server, &access).await);
    assert_eq!(heard.lock().expect("a lock").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_show_one_refresh_token_one_gets_tokens() {
    let (server, _) = approving().await;
    let server = Arc::new(server);
    for _ in 0..10 {
        let shown = Arc::new(text(&tokens(&server).await, "refresh_token"));
        let mut tasks = JoinSet::new();
        for _ in 0..2 {
            let (server, shown) = (Arc::clone(&server), Arc::clone(&shown));
            tasks.spawn(async move { post(&server, "/token", &refresh(&shown, &[])).await });
        }
        let answers = tasks.join_all().await;
        let winners: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .collect();
        assert_eq!(winners.len(), 1);
        let next = text(&granted(winners[0]), "refresh_token");
        assert_error(
            &post(&server, "/token", &refresh(&next, &[])).await,
            400,
            "invalid_grant",
        );
    }
}
