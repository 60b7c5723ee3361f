//! Which key may verify a token: the issuer's own, by name, for the algorithm it is for.
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
use clearance::jwk::Algorithm;
use clearance::testing::Issuer;
use serde_json::{Value, json};
use support::Server;
use support::tokens::{Table, t0};

/// A server whose issuer has keys of these algorithms and publishes what `publish` makes of them.
async fn publishing(
    algorithms: &[Algorithm],
    publish: impl FnOnce(&Issuer) -> Option<Vec<Value>>,
) -> Server {
    let clock = support::clock();
    let issuer = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .algorithms(algorithms.iter().copied())
        .start()
        .await
        .expect("an issuer");
    if let Some(keys) = publish(&issuer) {
        issuer.publish_jwks(json!({ "keys": keys }).to_string());
    }
    let guard = support::strict(&issuer, &clock).build().expect("a guard");
    guard.ready().await.expect("keys");
    support::serve(issuer, clock, guard).await
}

/// The published key `kid` with other members; `null` takes one out.
fn changed(issuer: &Issuer, kid: &str, changes: Value) -> Value {
    let mut jwk = issuer.public_jwk(kid).expect("a key");
    let members = jwk.as_object_mut().expect("an object");
    let Value::Object(changes) = changes else {
        panic!("not an object");
    };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    jwk
}

/// RS-049: the algorithm of the header against the key that it names.
#[tokio::test]
async fn the_algorithm_fits_the_key() {
    use Algorithm::{ES256, ES384, EdDSA, RS256};
    let server = publishing(&[ES256, ES384, EdDSA, RS256], |_| None).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let kid = |algorithm| issuer.kid(algorithm).expect("a key");
    for signer in [ES256, ES384, EdDSA, RS256] {
        let token = || t0(issuer).signed_by(signer);
        table.accepts(signer.as_str(), &token().mint()).await;
        for other in [ES256, ES384, EdDSA, RS256] {
            if other != signer {
                let case = format!("{signer} under the name of the {other} key");
                let token = token().header("kid", kid(other)).mint();
                table.refuses(&case, &token, "unsuitable_key").await;
                let case = format!("{signer} called {other}");
                let token = t0(issuer)
                    .signed_by(signer)
                    .header("alg", other.as_str())
                    .mint();
                table.refuses(&case, &token, "unsuitable_key").await;
            }
        }
    }
    // The same key pair could do it; its JWK says that it does not.
    let token = t0(issuer).signed_by(RS256).header("alg", "PS256").mint();
    table
        .refuses("PS256 with an RS256 key", &token, "unsuitable_key")
        .await;
}

/// RS-049: what the members of a JWK say, each against a real signature of that very key.
#[tokio::test]
async fn the_members_of_a_key_say_what_it_is_for() {
    let fine = [
        json!({}),
        json!({ "alg": null }),
        json!({ "use": null }),
        json!({ "use": null, "alg": null }),
        json!({ "key_ops": ["verify"] }),
        json!({ "key_ops": ["sign", "verify"] }),
        json!({ "x5c": ["AA=="], "unknown": 1 }),
    ];
    let bad = [
        json!({ "use": "enc" }),
        json!({ "use": "x" }),
        json!({ "use": "SIG" }),
        json!({ "use": 7 }),
        json!({ "key_ops": ["sign"] }),
        json!({ "key_ops": ["encrypt", "wrapKey"] }),
        json!({ "key_ops": [] }),
        json!({ "key_ops": "verify" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "ES256K" }),
        json!({ "alg": "es256" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
        json!({ "alg": "ECDH-ES" }),
        json!({ "alg": 7 }),
        json!({ "alg": "" }),
        json!({ "kty": "RSA" }),
        json!({ "kty": "ec" }),
        json!({ "kty": null }),
        json!({ "crv": "P-384" }),
        json!({ "crv": "P-521" }),
        json!({ "crv": "secp256k1" }),
        json!({ "crv": null }),
    ];
    let server = publishing(&[Algorithm::ES256], |issuer| {
        let keys = fine.iter().map(|changes| ("fine", changes));
        let keys = keys.chain(bad.iter().map(|changes| ("bad", changes)));
        let keys = keys.enumerate().map(|(n, (prefix, changes))| {
            let mut key = changed(issuer, "es256-1", changes.clone());
            key["kid"] = json!(format!("{prefix}-{n}"));
            key
        });
        Some(keys.collect())
    })
    .await;
    let table = Table::of(&server).await;
    let named = |kid: String| t0(&server.issuer).header("kid", kid).mint();
    for (n, changes) in fine.iter().enumerate() {
        table
            .accepts(&changes.to_string(), &named(format!("fine-{n}")))
            .await;
    }
    for (n, changes) in bad.iter().enumerate() {
        let token = named(format!("bad-{}", n + fine.len()));
        table
            .refuses(&changes.to_string(), &token, "unknown_key")
            .await;
    }
}

/// RS-055: as well, with keys that an attacker owns.
#[tokio::test]
async fn keys_in_a_header_are_no_keys() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let stranger = support::issuer(&server.clock).await;
    let jwk = stranger.public_jwk("es256-1").expect("a key");
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!(stranger.jwks_uri())),
        ("x5u", json!(format!("{}/chain.pem", stranger.origin()))),
        ("x5c", json!(["MIIB"])),
    ] {
        // They mean nothing, so a good token stays one.
        table
            .accepts(name, &t0(issuer).header(name, value.clone()).mint())
            .await;
        let forged = t0(&stranger)
            .claim("iss", issuer.id().as_str())
            .header(name, value);
        table.refuses(name, &forged.mint(), "bad_signature").await;
        let forged = forged.without_header("kid");
        table.refuses(name, &forged.mint(), "bad_signature").await;
        let forged = forged.header("kid", "another");
        table.refuses(name, &forged.mint(), "unknown_key").await;
    }
    assert_eq!(stranger.paths_requested(), [""; 0]);
}

/// RS-057: each key of the set signed one of the tokens, so a fifth try would let one in.
#[tokio::test]
async fn without_a_name_at_most_four_keys_are_tried() {
    let four: Vec<_> = (0..4).map(|_| Algorithm::ES256).collect();
    let keys = [four.as_slice(), &[Algorithm::EdDSA]].concat();
    let server = publishing(&keys, |_| None).await;
    let table = Table::of(&server).await;
    let nameless = |server: &Server, kid: &str| {
        t0(&server.issuer)
            .signed_with_kid(kid)
            .without_header("kid")
            .mint()
    };
    for kid in ["es256-1", "es256-2", "es256-3", "es256-4", "eddsa-5"] {
        table.accepts(kid, &nameless(&server, kid)).await;
    }
    let stranger = t0(&server.issuer)
        .wrong_signature()
        .without_header("kid")
        .mint();
    table
        .refuses("none of the four", &stranger, "bad_signature")
        .await;

    let five = [keys.as_slice(), &[Algorithm::ES256]].concat();
    let server = publishing(&five, |_| None).await;
    let table = Table::of(&server).await;
    for kid in ["es256-1", "es256-2", "es256-3", "es256-4", "es256-6"] {
        table
            .refuses(kid, &nameless(&server, kid), "ambiguous_key")
            .await;
        let named = t0(&server.issuer).signed_with_kid(kid).mint();
        table.accepts("with its name", &named).await;
    }
    // Of this algorithm there is one, however many others there are.
    table
        .accepts("the only one", &nameless(&server, "eddsa-5"))
        .await;
    let none = t0(&server.issuer)
        .signed_by(Algorithm::ES384)
        .without_header("kid")
        .mint();
    table
        .refuses("no key of that algorithm", &none, "unknown_key")
        .await;
}

/// What an issuer publishes in place of its own key set, if anything.
type Publish = fn(&Issuer) -> Option<Vec<Value>>;

/// RS-057: the row's own case, one key and a token without `kid`, also where the key has no name.
#[tokio::test]
async fn the_only_key_needs_no_name() {
    let sets: [Publish; 2] = [
        |_| None,
        |issuer| Some(vec![changed(issuer, "es256-1", json!({ "kid": null }))]),
    ];
    for publish in sets {
        let server = publishing(&[Algorithm::ES256], publish).await;
        let table = Table::of(&server).await;
        let token = t0(&server.issuer).without_header("kid");
        table.accepts("one key", &token.mint()).await;
        table
            .refuses("one key", &token.wrong_signature().mint(), "bad_signature")
            .await;
    }
    // A token that names a key does not mean one without a name.
    let server = publishing(&[Algorithm::ES256], |issuer| {
        Some(vec![changed(issuer, "es256-1", json!({ "kid": null }))])
    })
    .await;
    let table = Table::of(&server).await;
    for kid in ["es256-1", ""] {
        let named = t0(&server.issuer).header("kid", kid).mint();
        table.refuses(kid, &named, "unknown_key").await;
    }
    table
        .accepts("no name", &t0(&server.issuer).without_header("kid").mint())
        .await;
}

/// RS-060: two issuers, one key name, different keys.
#[tokio::test]
async fn keys_of_one_issuer_never_speak_for_another() {
    let clock = support::clock();
    let first = support::issuer(&clock).await;
    let second = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .path("/t1")
        .start()
        .await
        .expect("an issuer");
    assert_eq!(first.kid(Algorithm::ES256), second.kid(Algorithm::ES256));
    let guard = support::strict(&first, &clock)
        .trusted_issuer(TrustedIssuer::new(second.id().clone()))
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let server = support::serve(first, clock, guard).await;
    let table = Table::of(&server).await;
    let first = &server.issuer;
    for (signer, other) in [(first, &second), (&second, first)] {
        let name = signer.id().as_str();
        table.accepts(name, &t0(signer).mint()).await;
        let claimed = t0(signer).claim("iss", other.id().as_str());
        table.refuses(name, &claimed.mint(), "bad_signature").await;
        table
            .refuses(name, &claimed.without_header("kid").mint(), "bad_signature")
            .await;
        // A key that only the signer has.
        let kid = signer.add_key(Algorithm::EdDSA);
        let claimed = t0(signer)
            .signed_with_kid(&kid)
            .claim("iss", other.id().as_str());
        table.refuses(&kid, &claimed.mint(), "unknown_key").await;
    }
}

/// RS-085
#[tokio::test]
async fn keys_of_one_name_do_not_lend_each_other_their_algorithm() {
    use Algorithm::{ES256, EdDSA, RS256};
    let server = publishing(&[RS256, ES256, EdDSA], |issuer| {
        let x = |kid, more: Value| {
            let mut key = changed(issuer, kid, more);
            key["kid"] = json!("x");
            key
        };
        Some(vec![
            x("rs256-1", json!({})),
            x("es256-2", json!({})),
            x("eddsa-3", json!({ "use": "enc" })),
        ])
    })
    .await;
    let table = Table::of(&server).await;
    let signed = |by| t0(&server.issuer).signed_by(by).header("kid", "x");
    table.accepts("RS256", &signed(RS256).mint()).await;
    table.accepts("ES256", &signed(ES256).mint()).await;
    for (case, token) in [
        ("ES256 called RS256", signed(ES256).header("alg", "RS256")),
        ("RS256 called ES256", signed(RS256).header("alg", "ES256")),
        ("another RS256 key", signed(RS256).wrong_signature()),
        ("another ES256 key", signed(ES256).wrong_signature()),
    ] {
        table.refuses(case, &token.mint(), "bad_signature").await;
    }
    for (case, token) in [
        ("RS256 called PS256", signed(RS256).header("alg", "PS256")),
        ("ES256 called ES384", signed(ES256).header("alg", "ES384")),
        ("a key for encryption", signed(EdDSA)),
    ] {
        table.refuses(case, &token.mint(), "unsuitable_key").await;
    }
}
