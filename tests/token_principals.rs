//! Who a token speaks for, and that nobody can speak for another.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use std::sync::Arc;

use clearance::TrustedIssuer;
use clearance::id::{Subject, TokenId};
use clearance::limit::Quota;
use clearance::testing::Issuer;
use support::Server;
use support::tokens::{Table, t0};

/// A server that trusts two issuers; the second is given back.
async fn two_issuers(quota: Quota) -> (Server, Issuer) {
    let clock = support::clock();
    let first = support::issuer(&clock).await;
    let second = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .path("/t1")
        .start()
        .await
        .expect("an issuer");
    let guard = support::strict(&first, &clock)
        .trusted_issuer(TrustedIssuer::new(second.id().clone()))
        .limit(quota)
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    (support::serve(first, clock, guard).await, second)
}

/// How many of so many requests in a row are let in; the others must be 429.
async fn let_in(server: &Server, token: &str, requests: u32) -> u32 {
    let mut count = 0;
    for _ in 0..requests {
        let ran = server.ran();
        let answer = server.get("/mcp", token).await;
        if answer.status == 200 {
            count += 1;
            continue;
        }
        assert_eq!((answer.status, answer.code()), (429, 42900), "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), None);
        answer.assert_silent_about(token);
        assert_eq!(server.ran(), ran, "the handler ran");
    }
    count
}

/// RS-069
#[tokio::test]
async fn one_subject_of_two_issuers_is_two_principals() {
    let (server, second) = two_issuers(Quota::per_hour(3)).await;
    let first = &server.issuer;
    let here = server.get("/mcp", &t0(first).mint()).await;
    let there = server.get("/mcp", &t0(&second).mint()).await;
    assert_eq!(here.body, format!("{}|alice|client-1", first.id()));
    assert_eq!(there.body, format!("{}|alice|client-1", second.id()));
    // One request each is gone. What the first uses up, the second keeps.
    assert_eq!(let_in(&server, &t0(first).mint(), 5).await, 2);
    assert_eq!(
        let_in(&server, &t0(first).token_id("another").mint(), 1).await,
        0
    );
    assert_eq!(let_in(&server, &t0(&second).mint(), 5).await, 2);
}

/// RS-069: parts of a principal are not glued together.
#[tokio::test]
async fn principals_are_not_confused_by_where_names_end() {
    let (server, _second) = two_issuers(Quota::per_hour(1)).await;
    let issuer = &server.issuer;
    let token = |subject, client| t0(issuer).subject(subject).client(client).mint();
    for (subject, client) in [
        ("ab", "c"),
        ("a", "bc"),
        ("abc", "|"),
        ("c", "ab"),
        ("Ab", "c"),
    ] {
        assert_eq!(
            let_in(&server, &token(subject, client), 2).await,
            1,
            "{subject} {client}"
        );
    }
    assert_eq!(let_in(&server, &token("ab", "c"), 1).await, 0);
}

/// RS-069: revocation of a subject, or of a token by name, at one issuer.
#[tokio::test]
async fn revocation_at_one_issuer_does_not_touch_another() {
    let (server, second) = two_issuers(Quota::STANDARD).await;
    let table = Table::of(&server).await;
    let first = &server.issuer;
    let named = |issuer: &Issuer| t0(issuer).subject("bob").token_id("j1").mint();
    let revocations = server.app.guard.revocations();
    for issuer in [first, &second] {
        table.accepts("before", &t0(issuer).mint()).await;
        table.accepts("before", &named(issuer)).await;
    }
    revocations
        .revoke_subject(first.id(), &Subject::new("alice"))
        .expect("room");
    table
        .refuses("the subject", &t0(first).mint(), "revoked")
        .await;
    table
        .accepts("the same subject elsewhere", &t0(&second).mint())
        .await;
    revocations
        .revoke_token(second.id(), &TokenId::new("j1"))
        .expect("room");
    table.refuses("the token", &named(&second), "revoked").await;
    table
        .accepts("the same name elsewhere", &named(first))
        .await;
}

/// RS-073
#[tokio::test]
async fn forged_tokens_cost_their_victim_nothing() {
    let server = support::server_with(|r| r, |b| b.limit(Quota::per_hour(3))).await;
    let issuer = &server.issuer;
    let victim = || t0(issuer).subject("victim");
    let forged = [
        victim().alg_none().mint(),
        victim().wrong_signature().mint(),
        victim().unknown_key().mint(),
        victim().raw_signature([0; 64]).mint(),
        victim().hmac_with("HS256", "secret").mint(),
        victim().wrong_issuer().mint(),
        // Genuine, and not for this server or not in force.
        victim().wrong_audience().mint(),
        victim().expired().mint(),
        victim().wrong_type().mint(),
        victim().without("jti").mint(),
    ];
    let table = Table::of(&server).await;
    for (n, token) in forged.iter().enumerate() {
        table.refuses_anyhow(&n.to_string(), token).await;
    }
    for n in 0..990 {
        let token = &forged[n % forged.len()];
        assert_eq!(server.get("/mcp", token).await.status, 401);
    }
    assert_eq!(server.ran(), 0);
    assert_eq!(
        let_in(&server, &victim().mint(), 5).await,
        3,
        "the whole quota"
    );
}

/// RS-073: what an unverified token says about anybody is not written down.
#[tokio::test]
async fn unverified_claims_are_not_logged() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    let issuer = &server.issuer;
    let victim = || {
        t0(issuer)
            .subject("victim")
            .client("c-victim")
            .token_id("j-victim")
    };
    let table = Table::of(&server).await;
    for token in [
        victim().alg_none().mint(),
        victim().wrong_signature().mint(),
        victim().unknown_key().mint(),
        victim().claim("iss", "https://victim.example").mint(),
    ] {
        table.refuses_anyhow("forged", &token).await;
    }
    assert!(logs.text().contains("bad_signature"), "{}", logs.text());
    assert!(!logs.text().contains("victim"), "{}", logs.text());
    table.accepts("genuine", &victim().mint()).await;
    assert!(logs.text().contains("victim"), "the log would show it");
}
