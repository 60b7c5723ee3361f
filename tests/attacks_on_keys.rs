//! Tokens that somebody else signed, or nobody, with a key that is meant to pass for the issuer's.
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

use chrono::TimeDelta;
use clearance::TrustedIssuer;
use clearance::jwk::Algorithm::{ES256, ES384, EdDSA, PS256, RS256};
use clearance::keys::FixedKeys;
use clearance::testing::Issuer;
use serde_json::{Value, json};
use support::tokens::{Table, b64, segments, server_of, signature_of, t0, unb64};

/// The published key `kid` with other members.
fn changed(issuer: &Issuer, kid: &str, changes: &Value) -> Value {
    let mut jwk = issuer.public_jwk(kid).expect("a key");
    for (name, value) in changes.as_object().expect("an object") {
        jwk[name] = value.clone();
    }
    jwk
}

/// A-01
#[tokio::test]
async fn unsigned_tokens() {
    let server = server_of(&[ES256], |issuer| {
        let none = changed(issuer, "es256-1", &json!({ "kid": "n", "alg": "none" }));
        vec![none, json!({ "kty": "none", "kid": "bare", "alg": "none" })]
    })
    .await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let good = t0(issuer).mint();
    table.accepts("signed", &good).await;
    let old = signature_of(&good);
    for alg in [
        r#""none""#,
        r#""None""#,
        r#""nOnE""#,
        r#""NONE""#,
        r#""none ""#,
        r#""""#,
        "null",
        "[]",
        r#"["none"]"#,
        r#""\u006eone""#,
    ] {
        for kid in ["es256-1", "n", "bare"] {
            let token = t0(issuer)
                .header_text("alg", alg)
                .header("kid", kid)
                .raw_signature([]);
            table.refuses_anyhow(alg, &token.mint()).await;
            table
                .refuses_anyhow(alg, &token.raw_signature(old.clone()).mint())
                .await;
        }
        let nameless = t0(issuer)
            .header_text("alg", alg)
            .without_header("kid")
            .raw_signature([]);
        table.refuses_anyhow(alg, &nameless.mint()).await;
    }
    let absent = t0(issuer).without_header("alg");
    table
        .refuses(
            "absent",
            &absent.clone().raw_signature([]).mint(),
            "algorithm_not_allowed",
        )
        .await;
    table
        .refuses(
            "absent",
            &absent.raw_signature(old).mint(),
            "algorithm_not_allowed",
        )
        .await;
    table
        .refuses(
            "none",
            &t0(issuer).alg_none().mint(),
            "algorithm_not_allowed",
        )
        .await;
    let [header, payload, _] = segments(&good);
    table
        .refuses("stripped", &format!("{header}.{payload}."), "bad_signature")
        .await;
    table
        .refuses(
            "cut off",
            &format!("{header}.{payload}"),
            "malformed_segments",
        )
        .await;
    // The key is real, and what its JWK says it is for is nothing.
    let named = t0(issuer).header("kid", "n").mint();
    table.refuses("a key for none", &named, "unknown_key").await;
}

/// A-02
#[tokio::test]
async fn public_keys_as_shared_secrets() {
    let oct = |kid: &str, alg: &str| json!({ "kty": "oct", "kid": kid, "use": "sig", "alg": alg, "k": b64("secret") });
    let server = server_of(&[ES256, RS256], |_| {
        vec![
            oct("o1", "HS256"),
            oct("o2", "RS256"),
            oct("o3", "ES256"),
            oct("es256-1", "HS256"),
        ]
    })
    .await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    for algorithm in [ES256, RS256] {
        table
            .accepts("signed", &t0(issuer).signed_by(algorithm).mint())
            .await;
        let kid = issuer.kid(algorithm).expect("a key");
        let pem = issuer.public_pem(&kid).expect("a key");
        let jwk = issuer.public_jwk(&kid).expect("a key");
        let number = if algorithm == RS256 { "n" } else { "x" };
        for (case, secret) in [
            ("PEM", pem.clone().into_bytes()),
            ("PEM without its last line break", pem.trim_end().into()),
            ("PEM with CRLF", pem.replace('\n', "\r\n").into_bytes()),
            ("SPKI", issuer.public_der(&kid).expect("a key")),
            ("PKCS#1 or point", issuer.public_raw(&kid).expect("a key")),
            ("modulus or x", unb64(jwk[number].as_str().expect("text"))),
            (
                "modulus or x, as text",
                jwk[number].as_str().expect("text").into(),
            ),
            ("JWK", jwk.to_string().into_bytes()),
            ("JWKS", issuer.jwks().into_bytes()),
            ("nothing", Vec::new()),
        ] {
            for alg in ["HS256", "HS384", "HS512"] {
                let token = t0(issuer)
                    .signed_by(algorithm)
                    .hmac_with(alg, secret.clone());
                table
                    .refuses(case, &token.mint(), "algorithm_not_allowed")
                    .await;
                let asymmetric = token.header("alg", algorithm.as_str()).mint();
                table.refuses(case, &asymmetric, "bad_signature").await;
            }
        }
    }
    for kid in ["o1", "o2", "o3"] {
        let token = t0(issuer).hmac_with("HS256", "secret").header("kid", kid);
        table
            .refuses(kid, &token.mint(), "algorithm_not_allowed")
            .await;
        for alg in ["RS256", "ES256"] {
            let token = t0(issuer)
                .hmac_with("HS256", "secret")
                .header("kid", kid)
                .header("alg", alg);
            table.refuses(kid, &token.mint(), "unknown_key").await;
        }
    }
}

/// A-03
#[tokio::test]
async fn keys_that_the_header_brings() {
    let server = support::server().await;
    let attacker = support::issuer(&server.clock).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let own = attacker.origin().trim_start_matches("http://");
    let jwk = attacker.public_jwk("es256-1").expect("a key");
    let bare = json!({ "kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"] });
    let der = attacker.public_der("es256-1").expect("a key");
    let headers = [
        ("jwk", jwk.clone()),
        ("jwk", bare),
        ("jwk", json!({ "kty": "oct", "k": "" })),
        ("jku", json!(attacker.jwks_uri())),
        ("jku", json!(format!("{}@{own}/jwks", issuer.id()))),
        ("jku", json!(format!("{}/../../{own}", issuer.jwks_uri()))),
        ("jku", json!("https://attacker.test/jwks")),
        ("jku", json!("http://169.254.169.254/latest/meta-data/")),
        ("jku", json!("file:///etc/passwd")),
        ("x5u", json!(format!("{}/chain.pem", attacker.origin()))),
        ("x5c", json!([base64_of(&der)])),
        ("x5t#S256", json!(b64([7; 32]))),
    ];
    // A refresh of the issuer's own keys is due, so a guard that fetches would.
    server.clock.advance(TimeDelta::seconds(31));
    let hits = issuer.jwks_hits();
    for (name, value) in headers.clone() {
        let forged = || {
            t0(&attacker)
                .claim("iss", issuer.id().as_str())
                .header(name, value.clone())
        };
        table.refuses(name, &forged().mint(), "bad_signature").await;
        table
            .accepts(name, &t0(issuer).header(name, value.clone()).mint())
            .await;
    }
    assert_eq!(issuer.jwks_hits(), hits, "a known key needs no refresh");
    for (name, value) in headers {
        let nameless = t0(&attacker)
            .claim("iss", issuer.id().as_str())
            .without_header("kid");
        let nameless = nameless.header(name, value).mint();
        table.refuses(name, &nameless, "bad_signature").await;
    }
    let all = t0(&attacker)
        .claim("iss", issuer.id().as_str())
        .header("kid", "attacker");
    let all = all.header("jwk", jwk).header("jku", attacker.jwks_uri());
    table
        .refuses("a kid of its own", &all.mint(), "unknown_key")
        .await;
    assert_eq!(
        issuer.jwks_hits(),
        hits + 1,
        "asked where the configuration says"
    );
    assert_eq!(attacker.paths_requested(), [""; 0]);
}

/// The base64 of certificates, which is not the base64url of tokens.
fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A-04
#[tokio::test]
async fn names_of_keys_that_are_something_else() {
    let logs = support::Logs::capture();
    let server = support::server_with(|r| r, |b| b.max_token_length(1 << 20)).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    server.clock.advance(TimeDelta::seconds(31));
    table.accepts("a name", &t0(issuer).mint()).await;
    let (hits, paths) = (issuer.jwks_hits(), issuer.paths_requested().len());
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "x' UNION SELECT 'AA' -- ",
        "key;id",
        "$(id)",
        "%00",
        "\0",
        "es256-1\0",
        "es256-1 ",
        "ES256-1",
        "es256-",
        "__proto__",
        "constructor",
        "a\nFAKE decision=authorized",
        "a\r\n\x1b[2JFAKE",
        "http://169.254.169.254/",
        "{}",
        "",
    ] {
        table
            .refuses(
                kid,
                &t0(issuer).unknown_key().header("kid", kid).mint(),
                "unknown_key",
            )
            .await;
        let mac = t0(issuer).hmac_with("HS256", "").header("kid", kid).mint();
        table.refuses(kid, &mac, "algorithm_not_allowed").await;
    }
    let long = t0(issuer).header("kid", "k".repeat(64 * 1024)).mint();
    table.refuses("64 KiB", &long, "key_id_too_long").await;
    assert_eq!(issuer.jwks_hits(), hits + 1, "one refresh in the cooldown");
    assert_eq!(
        issuer.paths_requested()[paths..],
        ["/.well-known/oauth-authorization-server", "/jwks"]
    );
    let logs = logs.text();
    assert!(logs.contains(r"a\\nFAKE decision=authorized"), "{logs}");
    assert!(!logs.lines().any(|line| line.starts_with("FAKE")), "{logs}");
    assert!(!logs.contains("\x1b[2J") && !logs.contains('\0'));
}

/// A-11
#[tokio::test]
async fn algorithms_of_another_key() {
    let server = server_of(&[ES256, ES384, EdDSA, RS256, PS256], |issuer| {
        vec![
            changed(
                issuer,
                "ps256-5",
                &json!({ "kid": "rs-only", "alg": "RS256" }),
            ),
            changed(
                issuer,
                "eddsa-3",
                &json!({ "kid": "x25519", "crv": "X25519" }),
            ),
            changed(
                issuer,
                "eddsa-3",
                &json!({ "kid": "ed448", "crv": "Ed448" }),
            ),
            changed(
                issuer,
                "eddsa-3",
                &json!({ "kid": "p256-okp", "crv": "P-256" }),
            ),
            changed(
                issuer,
                "es384-2",
                &json!({ "kid": "p384-liar", "alg": "ES256" }),
            ),
            changed(
                issuer,
                "es256-1",
                &json!({ "kid": "oct-liar", "kty": "oct", "k": "" }),
            ),
        ]
    })
    .await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let by = |algorithm| t0(issuer).signed_by(algorithm);
    for algorithm in [ES256, ES384, EdDSA, RS256, PS256] {
        table
            .accepts(algorithm.as_str(), &by(algorithm).mint())
            .await;
    }
    let es256 = |kid: &str| by(ES384).header("alg", "ES256").header("kid", kid).mint();
    table
        .refuses("P-384 as ES256", &es256("es384-2"), "unsuitable_key")
        .await;
    table
        .refuses(
            "P-384 under a P-256 name",
            &es256("es256-1"),
            "bad_signature",
        )
        .await;
    table
        .refuses("P-384 with a lying JWK", &es256("p384-liar"), "unknown_key")
        .await;
    let token = by(RS256).header("kid", "es256-1").mint();
    table
        .refuses("RS256 under an EC name", &token, "unsuitable_key")
        .await;
    let token = by(PS256).header("kid", "rs-only").mint();
    table
        .refuses("PS256 by an RS256 key", &token, "unsuitable_key")
        .await;
    for kid in ["x25519", "ed448", "p256-okp"] {
        let token = by(EdDSA).header("kid", kid).mint();
        table.refuses(kid, &token, "unknown_key").await;
    }
    let token = by(ES256).header("kid", "oct-liar").mint();
    table.refuses("oct", &token, "unknown_key").await;
}

/// A-11: real signatures of keys that are too weak, and forgeries that such keys would accept.
#[tokio::test]
async fn weak_and_foreign_keys() {
    let vectors: Value =
        serde_json::from_str(include_str!("vectors/weak_keys.json")).expect("vectors");
    let cases = vectors["cases"].as_array().expect("cases");
    let keys: Vec<_> = cases.iter().map(|case| &case["jwk"]).collect();
    let clock = support::clock();
    let trusted = TrustedIssuer::with_keys(
        "https://as.example.com".parse().expect("an issuer"),
        FixedKeys::from_json(json!({ "keys": keys }).to_string()),
    );
    let guard = support::with_rules(trusted, &clock)
        .build()
        .expect("a guard");
    let server = support::serve(support::issuer(&clock).await, clock, guard).await;
    let table = Table::of(&server).await;
    let mut good = 0;
    for case in cases {
        let text = |name: &str| case[name].as_str().expect("text");
        if text("name").starts_with("good") {
            table.accepts(text("name"), text("token")).await;
            good += 1;
        } else {
            table
                .refuses(text("name"), text("token"), "unknown_key")
                .await;
        }
    }
    assert_eq!((good, cases.len()), (2, 9));
}
