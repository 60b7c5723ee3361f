//! The options of a trusted issuer that are about keys: algorithms, sources, the time of a fetch.
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
use std::time::Duration;

use clearance::TrustedIssuer;
use clearance::jwk::Algorithm::{self, ES256, ES512, EdDSA, PS384, PS512, RS384, RS512};
use clearance::keys::FixedKeys;
use clearance::testing::{Fault, Issuer, TokenBuilder};
use support::Server;
use support::tokens::{Table, t0};

/// A server whose issuer has keys of these algorithms.
async fn signing(
    algorithms: &[Algorithm],
    rules: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Server {
    let clock = support::clock();
    let issuer = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .algorithms(algorithms.iter().copied())
        .start()
        .await
        .expect("an issuer");
    let trusted = rules(TrustedIssuer::new(issuer.id().clone()));
    let guard = support::with_rules(trusted, &clock)
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    support::serve(issuer, clock, guard).await
}

fn by(server: &Server, algorithm: Algorithm) -> TokenBuilder<'_> {
    t0(&server.issuer).signed_by(algorithm)
}

/// RS-048: the larger algorithms, each by name.
#[tokio::test]
async fn allow_algorithm() {
    for algorithm in [RS384, RS512, PS384, PS512, ES512] {
        let case = algorithm.as_str();
        {
            let server = signing(&[ES256, algorithm], |rules| rules).await;
            let table = Table::of(&server).await;
            table.accepts("ES256", &t0(&server.issuer).mint()).await;
            table
                .refuses(case, &by(&server, algorithm).mint(), "unknown_key")
                .await;
        }
        let server = signing(&[ES256, algorithm], |r| r.allow_algorithm(algorithm)).await;
        let table = Table::of(&server).await;
        table.accepts(case, &by(&server, algorithm).mint()).await;
        table
            .accepts("ES256, as before", &t0(&server.issuer).mint())
            .await;
        table
            .refuses(
                case,
                &by(&server, algorithm).wrong_signature().mint(),
                "bad_signature",
            )
            .await;
    }
}

/// RS-048: fewer than the standard ones.
#[tokio::test]
async fn only_algorithms() {
    let server = signing(&[ES256, EdDSA], |rules| rules.only_algorithms(&[EdDSA])).await;
    let table = Table::of(&server).await;
    table
        .accepts("EdDSA", &t0(&server.issuer).signed_by(EdDSA).mint())
        .await;
    table
        .refuses(
            "ES256",
            &t0(&server.issuer).signed_by(ES256).mint(),
            "unknown_key",
        )
        .await;
    let server = signing(&[ES256, EdDSA], |rules| rules).await;
    let table = Table::of(&server).await;
    table
        .accepts("ES256", &t0(&server.issuer).signed_by(ES256).mint())
        .await;
}

#[tokio::test]
async fn fetch_time_limit() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let with = |limit| {
        let rules = TrustedIssuer::new(issuer.id().clone()).fetch_time_limit(limit);
        support::with_rules(rules, &clock).build().expect("a guard")
    };
    // Slower than the one limit and faster than the other: about a thousand bytes in all.
    issuer.fault(Fault::Slow(Duration::from_micros(500)));
    let late = with(Duration::from_millis(50)).ready().await;
    assert_eq!(
        late.map_err(|late| late.cause()),
        Err("time_limit_exceeded")
    );
    assert_eq!(with(Duration::from_mins(5)).ready().await, Ok(()));
    // What never comes ends at the limit as well.
    issuer.fault(Fault::Hang);
    let late = with(Duration::from_millis(50)).ready().await;
    assert_eq!(
        late.map_err(|late| late.cause()),
        Err("time_limit_exceeded")
    );
}

/// The three ways to keys.
#[tokio::test]
async fn where_keys_come_from() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let id = || issuer.id().clone();
    let file = std::env::temp_dir().join(format!("clearance-keys-{}.json", std::process::id()));
    std::fs::write(&file, issuer.jwks()).expect("a file");
    let from_file = FixedKeys::from_file(&file).expect("keys");
    std::fs::remove_file(&file).expect("no file");
    assert!(FixedKeys::from_file(&file).is_err());
    for (case, rules, (metadata, keys)) in [
        ("metadata", TrustedIssuer::new(id()), (1, 1)),
        (
            "a URL",
            TrustedIssuer::with_jwks_uri(id(), issuer.jwks_uri()),
            (0, 1),
        ),
        (
            "JSON",
            TrustedIssuer::with_keys(id(), FixedKeys::from_json(issuer.jwks())),
            (0, 0),
        ),
        ("a file", TrustedIssuer::with_keys(id(), from_file), (0, 0)),
    ] {
        let before = (issuer.metadata_hits(), issuer.jwks_hits());
        let guard = support::with_rules(rules, &clock).build().expect("a guard");
        guard.ready().await.expect("keys");
        let bystander = support::issuer(&clock).await;
        let server = support::serve(bystander, clock.clone(), guard).await;
        let table = Table::of(&server).await;
        table.accepts(case, &t0(&issuer).mint()).await;
        table
            .refuses(case, &t0(&issuer).wrong_signature().mint(), "bad_signature")
            .await;
        table
            .refuses(case, &t0(&issuer).unknown_key().mint(), "unknown_key")
            .await;
        let after = (issuer.metadata_hits(), issuer.jwks_hits());
        assert_eq!(after, (before.0 + metadata, before.1 + keys), "{case}");
    }
}
