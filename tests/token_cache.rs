//! A verified token is not verified again, and yet it dies at once.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::TokenId;
use clearance::jwk::Algorithm;
use clearance::{Guard, GuardBuilder, Ready, TrustedIssuer};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use support::http::ask;
use support::{Fixture, Server, ToolsRead};

/// What becomes of a token, as a code: `ok`, or why not.
async fn verdict(server: &Server, token: &str) -> &'static str {
    support::http::verdict(&server.app.guard, token).await
}

/// How often a token was found, and how often not.
fn hits(server: &Server) -> (u64, u64) {
    let stats = server.app.guard.cache_stats();
    (stats.hits, stats.misses)
}

async fn server_with(
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Server {
    support::server_with(|rules| rules, |builder| change(builder.unlimited())).await
}

/// RS-146: A token is found by all of its text.
#[tokio::test]
async fn a_token_is_found_by_all_of_its_text() {
    let server = server_with(|builder| builder).await;
    let token = server
        .issuer
        .token()
        .token_id("t")
        .scope("mcp:tools.read")
        .mint();
    for expected in [(0, 1), (1, 1), (2, 1)] {
        let proof = ask::<()>(&server.app.guard, &token).await.expect("a proof");
        assert!(proof.may::<ToolsRead>());
        assert_eq!(hits(&server), expected);
    }
    // Same claims, another signature; the same signature under other claims; a bit of each part.
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let other = server
        .issuer
        .token()
        .token_id("t")
        .scope("mcp:tools.read")
        .wrong_signature();
    assert_eq!(verdict(&server, &other.mint()).await, "bad_signature");
    let claims = server
        .issuer
        .token()
        .token_id("t")
        .scope("mcp:admin")
        .mint();
    let (claims, _) = claims.rsplit_once('.').expect("three parts");
    assert_eq!(
        verdict(&server, &format!("{claims}.{signature}")).await,
        "bad_signature"
    );
    let mut changed = signature.to_owned();
    let first = if changed.starts_with('A') { "B" } else { "A" };
    changed.replace_range(..1, first);
    assert_eq!(
        verdict(&server, &format!("{signed}.{changed}")).await,
        "bad_signature"
    );
    for cut in [token.len() - 1, signed.len(), 10] {
        let text = token.get(..cut).expect("ASCII");
        assert_ne!(verdict(&server, text).await, "ok", "{cut}");
    }
    assert_ne!(verdict(&server, &format!("{token}A")).await, "ok");
    assert_eq!(hits(&server).0, 2);
    assert_eq!(verdict(&server, &token).await, "ok");
    assert_eq!(server.app.guard.cache_stats().tokens, 1);
}

/// RS-146: Time is looked at each time. What died while it was remembered is refused without a look at
/// its signature, and so is what came dead.
#[tokio::test]
async fn a_remembered_token_dies_in_time() {
    let server = server_with(|builder| builder).await;
    let start = server.clock.now();
    let token = server.issuer.token().issued_at(start);
    let token = token.lifetime(TimeDelta::minutes(2)).mint();
    assert_eq!(verdict(&server, &token).await, "ok");
    // `exp` and the leeway of a minute.
    server
        .clock
        .advance(TimeDelta::minutes(3) - TimeDelta::milliseconds(1));
    assert_eq!(verdict(&server, &token).await, "ok");
    server.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(verdict(&server, &token).await, "expired");
    assert_eq!(verdict(&server, &token).await, "expired");
    assert_eq!(hits(&server), (3, 1));
    // A time of day that is set back makes it good again, as without a cache.
    server.clock.set(server.clock.now() - TimeDelta::minutes(1));
    assert_eq!(verdict(&server, &token).await, "ok");
    server.clock.advance(TimeDelta::minutes(1));

    let dead = server.issuer.token().expired().mint();
    assert_eq!(verdict(&server, &dead).await, "expired");
    let (found, _) = hits(&server);
    for _ in 0..3 {
        assert_eq!(verdict(&server, &dead).await, "expired");
    }
    assert_eq!(hits(&server).0, found + 3);
    // One with a signature that does not fit is no genuine one, dead or not.
    let forged = server.issuer.token().expired().wrong_signature().mint();
    assert_eq!(verdict(&server, &forged).await, "bad_signature");
    assert_eq!(verdict(&server, &forged).await, "bad_signature");
    assert_eq!(hits(&server).0, found + 3);
}

/// RS-146: A time of day before the token was verified says nothing: `nbf` and `iat` are looked at again.
#[tokio::test]
async fn a_clock_that_is_set_back_is_noticed() {
    let server = server_with(|builder| builder).await;
    let start = server.clock.now();
    let token = server
        .issuer
        .token()
        .issued_at(start)
        .claim("nbf", start.timestamp())
        .lifetime(TimeDelta::hours(1))
        .mint();
    assert_eq!(verdict(&server, &token).await, "ok");
    server.clock.set(start - TimeDelta::minutes(2));
    assert_eq!(verdict(&server, &token).await, "not_yet_valid");
    server.clock.set(start);
    assert_eq!(verdict(&server, &token).await, "ok");
}

/// The oldest age counts for remembered tokens too.
#[tokio::test]
async fn a_remembered_token_grows_too_old() {
    let server = server_with(|builder| builder.max_age(TimeDelta::minutes(2))).await;
    let token = server.issuer.token().issued_at(server.clock.now());
    let token = token.lifetime(TimeDelta::hours(1)).mint();
    assert_eq!(verdict(&server, &token).await, "ok");
    server.clock.advance(TimeDelta::minutes(2));
    assert_eq!(verdict(&server, &token).await, "ok");
    server.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(verdict(&server, &token).await, "too_old");
}

/// Claims that count how often somebody reads them: once for each verification.
#[derive(Debug)]
struct Counted;

static VERIFIED: AtomicUsize = AtomicUsize::new(0);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from)?;
        VERIFIED.fetch_add(1, Ordering::SeqCst);
        Ok(Self)
    }
}

/// RS-146: A token is remembered for five minutes, whatever the time of day does, and then verified again.
#[tokio::test]
async fn a_token_is_remembered_for_five_minutes() {
    let server = support::server_with(
        TrustedIssuer::extra_claims::<Counted>,
        GuardBuilder::unlimited,
    )
    .await;
    let token = server.issuer.token().lifetime(TimeDelta::hours(1)).mint();
    let verified = || VERIFIED.load(Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(verdict(&server, &token).await, "ok");
    }
    server
        .clock
        .advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1));
    assert_eq!(verdict(&server, &token).await, "ok");
    assert_eq!(verified(), 1);
    server.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(verdict(&server, &token).await, "ok");
    assert_eq!(verdict(&server, &token).await, "ok");
    assert_eq!(verified(), 2);
    // Five minutes are five minutes, also if the day seems to stand still.
    let today = server.clock.now();
    for _ in 0..4 {
        server.clock.advance(TimeDelta::seconds(75));
        server.clock.set(today);
        assert_eq!(verdict(&server, &token).await, "ok");
    }
    assert_eq!(verified(), 3);
    // And what is dead is looked at once in five minutes.
    server.clock.advance(TimeDelta::hours(2));
    for _ in 0..3 {
        assert_eq!(verdict(&server, &token).await, "expired");
    }
    assert_eq!(hits(&server).1, 1);
}

/// RS-146: A token dies with its key, remembered or not.
#[tokio::test]
async fn a_remembered_token_dies_with_its_key() {
    let server = server_with(|builder| builder).await;
    let minted = || server.issuer.token().lifetime(TimeDelta::hours(2)).mint();
    let old = server.issuer.kid(Algorithm::ES256).expect("a key");
    let token = minted();
    assert_eq!(verdict(&server, &token).await, "ok");
    server.issuer.add_key(Algorithm::ES256);
    server.clock.advance(TimeDelta::seconds(31));
    // A token of the new key makes the guard ask; the old key is still there.
    let new = minted();
    assert_eq!(verdict(&server, &new).await, "ok");
    assert_eq!(verdict(&server, &token).await, "ok");
    assert!(server.issuer.retire(&old));
    server.issuer.add_key(Algorithm::ES256);
    server.clock.advance(TimeDelta::seconds(31));
    let newest = minted();
    assert_eq!(verdict(&server, &newest).await, "ok");
    assert_eq!(verdict(&server, &token).await, "unknown_key");
    assert_eq!(verdict(&server, &new).await, "ok");
}

/// RS-146: A key counts by what it is: another one under its name does not speak for its tokens.
#[tokio::test]
async fn a_name_that_comes_to_mean_another_key_does_not_serve() {
    let server = server_with(|builder| builder).await;
    let minted = || server.issuer.token().lifetime(TimeDelta::hours(2)).mint();
    let old = server.issuer.kid(Algorithm::ES256).expect("a key");
    let token = minted();
    assert_eq!(verdict(&server, &token).await, "ok");
    let new = server.issuer.rotate(Algorithm::ES256);
    let mut key = server.issuer.public_jwk(&new).expect("a key");
    let mut again = key.clone();
    again["kid"] = old.into();
    key["kid"] = new.into();
    let keys = serde_json::json!({ "keys": [again, key] });
    server.issuer.publish_jwks(keys.to_string());
    server.clock.advance(TimeDelta::seconds(31));
    assert_eq!(verdict(&server, &minted()).await, "ok");
    assert_eq!(verdict(&server, &token).await, "bad_signature");
}

/// RS-146: A token that is revoked is refused, remembered or not.
#[tokio::test]
async fn a_remembered_token_is_revoked_at_once() {
    let server = server_with(|builder| builder).await;
    let token = server.issuer.token().token_id("t").mint();
    assert_eq!(verdict(&server, &token).await, "ok");
    let revocations = server.app.guard.revocations();
    revocations
        .revoke_token(server.issuer.id(), &TokenId::new("t"))
        .expect("room");
    for _ in 0..2 {
        assert_eq!(verdict(&server, &token).await, "revoked");
    }
    assert_eq!(hits(&server), (2, 1));
}

/// A guard that remembers nothing decides the same.
#[tokio::test]
async fn a_guard_may_remember_nothing() {
    let server = server_with(|builder| builder.max_cached_tokens(0)).await;
    let token = server.issuer.token().mint();
    for _ in 0..3 {
        assert_eq!(verdict(&server, &token).await, "ok");
    }
    assert_eq!(server.app.guard.cache_stats(), <_>::default());
}

/// What is remembered is bounded, and so is what long tokens take of it.
#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let server = server_with(|builder| builder.max_cached_tokens(64)).await;
    for number in 0..500 {
        let token = server.issuer.token().token_id(&format!("t{number}")).mint();
        assert_eq!(verdict(&server, &token).await, "ok");
        assert!(server.app.guard.cache_stats().tokens <= 64);
    }
    let server = server_with(|builder| builder.max_cached_tokens(64)).await;
    let long = "x".repeat(8_000);
    for number in 0..500 {
        let token = server
            .issuer
            .token()
            .token_id(&format!("{long}{number}"))
            .mint();
        assert_eq!(verdict(&server, &token).await, "ok");
    }
    let left = server.app.guard.cache_stats().tokens;
    assert!((1..=64 / 3).contains(&left), "{left} long ones");
}

/// Two issuers that use one name and one signature scheme keep their tokens apart, and one guard's cache
/// is not another's.
#[tokio::test]
async fn a_cache_belongs_to_its_guard() {
    let server = server_with(|builder| builder).await;
    let token = server.issuer.token().audience(support::E).mint();
    assert_eq!(verdict(&server, &token).await, "ok");
    let elsewhere = Guard::<Fixture>::builder("https://other.example/mcp".parse().expect("a URI"))
        .clock(std::sync::Arc::new(server.clock.clone()))
        .trusted_issuer(TrustedIssuer::new(server.issuer.id().clone()))
        .build()
        .expect("a guard");
    elsewhere.ready().await.expect("keys");
    let refusal = ask::<()>(&elsewhere, &token)
        .await
        .expect_err("another resource");
    assert_eq!(refusal.reason().code().as_str(), "other_resource");
    assert_eq!(elsewhere.cache_stats().tokens, 0);
}
