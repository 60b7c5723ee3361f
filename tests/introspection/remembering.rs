//! How long an answer counts.

use std::time::Duration;

use base64::Engine as _;
use chrono::TimeDelta;
use serde_json::json;

use crate::endpoint::{Endpoint, Reply};
use crate::support::http::{eventually, verdict};
use crate::{TOKEN, guard, guard_with};

const INACTIVE: &str = "{\"active\":false}";

/// RS-078: at most 60 seconds, at most until `exp`, and from the moment of the question on.
#[tokio::test]
async fn an_answer_counts_for_a_minute() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let guard = guard(&endpoint);
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    // It is revoked there, and nobody tells this server.
    endpoint.answer_with(INACTIVE);
    endpoint.clock().advance(TimeDelta::milliseconds(59_999));
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    assert_eq!(endpoint.asked(), 1);
    endpoint.clock().advance(TimeDelta::milliseconds(1));
    assert_eq!(verdict(&guard, TOKEN).await, "inactive");
    assert_eq!(endpoint.asked(), 2);
}

/// RS-078: `exp` ends it sooner.
#[tokio::test]
async fn an_answer_counts_no_longer_than_its_token() {
    let endpoint = Endpoint::start().await;
    let now = endpoint.right()["iat"].as_i64().expect("a number") + 10;
    // Its time is over, and with the leeway it has 30 seconds left.
    endpoint.answer_with(endpoint.but(&json!({"iat": now - 600, "exp": now - 30})));
    let guard = guard(&endpoint);
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    endpoint.clock().advance(TimeDelta::milliseconds(29_999));
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    endpoint.clock().advance(TimeDelta::milliseconds(1));
    assert_eq!(verdict(&guard, TOKEN).await, "expired");
    assert_eq!(endpoint.asked(), 1);
    // A token whose server gives it more time lives on.
    endpoint.answer_with(endpoint.but(&json!({})));
    endpoint.clock().advance(TimeDelta::minutes(1));
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
}

/// RS-078: that a token is not active is believed for a few seconds, whatever is wrong with it.
#[tokio::test]
async fn a_refusal_counts_for_seconds() {
    let endpoint = Endpoint::start().await;
    let guard = guard(&endpoint);
    let foreign = endpoint.but(&json!({"aud": "https://other.example"}));
    for (token, answer, first) in [
        ("t1", INACTIVE.to_owned(), "inactive"),
        ("t2", foreign, "other_resource"),
    ] {
        endpoint.answer_with(answer);
        let before = endpoint.asked();
        assert_eq!(verdict(&guard, token).await, first);
        endpoint.answer_with(endpoint.but(&json!({})));
        endpoint.clock().advance(TimeDelta::milliseconds(4_999));
        assert_eq!(verdict(&guard, token).await, "inactive");
        assert_eq!(endpoint.asked(), before + 1);
        endpoint.clock().advance(TimeDelta::milliseconds(1));
        assert_eq!(verdict(&guard, token).await, "ok");
        assert_eq!(endpoint.asked(), before + 2);
    }
}

/// RS-078: a chosen time holds.
#[tokio::test]
async fn how_long_an_answer_counts_can_be_chosen() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    for (lifetime, asked) in [(Duration::ZERO, 3), (Duration::from_secs(10), 1)] {
        let introspection = Endpoint::introspection().lifetime(lifetime);
        let issuer = endpoint.issuer();
        let rules = clearance::TrustedIssuer::introspected(issuer, introspection);
        let guard = guard_with(&endpoint, |_| rules, |builder| builder);
        let before = endpoint.asked();
        for _ in 0..3 {
            assert_eq!(verdict(&guard, TOKEN).await, "ok");
        }
        assert_eq!(endpoint.asked(), before + asked);
        endpoint.clock().advance(TimeDelta::seconds(10));
        assert_eq!(verdict(&guard, TOKEN).await, "ok");
        assert_eq!(endpoint.asked(), before + asked + 1);
    }
    // A guard that remembers no tokens asks each time too.
    let guard = guard_with(
        &endpoint,
        |rules| rules,
        |builder| builder.max_cached_tokens(0),
    );
    let before = endpoint.asked();
    for _ in 0..3 {
        assert_eq!(verdict(&guard, TOKEN).await, "ok");
    }
    assert_eq!(endpoint.asked(), before + 3);
}

/// RS-078: an answer that took long is as old as its question, also for those who came later.
#[tokio::test]
async fn a_late_answer_is_an_old_one() {
    let endpoint = Endpoint::start().await;
    let introspection = Endpoint::introspection().lifetime(Duration::from_secs(2));
    let rules = clearance::TrustedIssuer::introspected(endpoint.issuer(), introspection);
    let guard = guard_with(&endpoint, |_| rules, |builder| builder);
    guard.ready().await.expect("a place");
    let right = endpoint.but(&json!({}));
    endpoint.answer([Reply::Late(right), Reply::Text(200, INACTIVE.to_owned())]);
    let early = tokio::spawn({
        let guard = guard.clone();
        async move { verdict(&guard, TOKEN).await }
    });
    eventually(|| endpoint.asked() == 1).await;
    endpoint.clock().advance(TimeDelta::milliseconds(2_001));
    let late = tokio::spawn({
        let guard = guard.clone();
        async move { verdict(&guard, TOKEN).await }
    });
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(endpoint.asked(), 1);
    endpoint.let_through(1);
    assert_eq!(early.await.expect("a verdict"), "ok");
    assert_eq!(late.await.expect("a verdict"), "inactive");
    assert_eq!(endpoint.asked(), 2);
}

/// RS-078: what is remembered shows no token; nor does anything else that is written.
#[tokio::test]
async fn nothing_remembered_shows_a_token() {
    let logs = crate::support::Logs::capture();
    let endpoint = Endpoint::start().await;
    let guard = guard(&endpoint);
    for answer in [
        endpoint.but(&json!({})),
        INACTIVE.to_owned(),
        "oops".to_owned(),
    ] {
        endpoint.answer_with(answer);
        verdict(&guard, TOKEN).await;
        endpoint.clock().advance(TimeDelta::minutes(1));
    }
    assert_eq!(endpoint.asked(), 3);
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("mcp-server:{}", crate::endpoint::SECRET));
    let shown = format!(
        "{guard:?} {:?} {:?}",
        endpoint.trusted(),
        guard.cache_stats()
    );
    for text in [shown, logs.text()] {
        assert!(!text.contains(TOKEN), "{text}");
        assert!(!text.contains(crate::endpoint::SECRET), "{text}");
        assert!(!text.contains(&basic), "{text}");
    }
    assert!(logs.text().contains("inactive"));
}

/// A revocation that this server is told of counts at once.
#[tokio::test]
async fn a_revocation_does_not_wait_for_the_issuer() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({"jti": "j1"})));
    let guard = guard(&endpoint);
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    let id = clearance::id::TokenId::new("j1");
    guard
        .revocations()
        .revoke_token(&endpoint.issuer(), &id)
        .expect("room");
    assert_eq!(verdict(&guard, TOKEN).await, "revoked");
    endpoint.clock().advance(TimeDelta::minutes(2));
    assert_eq!(verdict(&guard, TOKEN).await, "revoked");
}
