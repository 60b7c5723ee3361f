//! Genuine tokens of another kind, of another issuer, or for somebody else.
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

use chrono::TimeDelta;
use clearance::TrustedIssuer;
use clearance::testing::{Issuer, TokenBuilder};
use serde_json::{Value, json};
use support::E;
use support::tokens::{Table, signature_of, t0, with_member, with_signature};

type Rules = fn(TrustedIssuer) -> TrustedIssuer;

/// What the issuer of a guard signs besides access tokens for it.
fn other_tokens(issuer: &Issuer) -> Vec<(&'static str, TokenBuilder<'_>)> {
    let (id, own) = (issuer.id().as_str(), || t0(issuer).header("typ", "JWT"));
    let typed = |typ: &str| t0(issuer).header("typ", typ);
    let id_token = || {
        own()
            .without("scope")
            .without("client_id")
            .without("jti")
            .claim("nonce", "n")
    };
    let logout = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    vec![
        (
            "an ID token",
            id_token().audience("client-1").claim("azp", "client-1"),
        ),
        (
            "an ID token for this resource",
            id_token().claim("azp", "client-1"),
        ),
        (
            "an ID token with scopes",
            own().claim("nonce", "n").claim("azp", "client-1"),
        ),
        (
            "an ID token without nonce",
            own().audience("client-1").claim("at_hash", "x"),
        ),
        (
            "an ID token for two",
            own().audience(json!(["client-1", E])).claim("c_hash", "x"),
        ),
        (
            "a DPoP proof",
            typed("dpop+jwt")
                .claim("htm", "GET")
                .claim("htu", E)
                .header("jwk", json!({ "kty": "EC" })),
        ),
        (
            "a client assertion",
            own()
                .audience(id)
                .claim("iss", "client-1")
                .subject("client-1"),
        ),
        (
            "a client assertion of the issuer",
            own().audience(id).subject("client-1"),
        ),
        (
            "a typed client assertion",
            typed("client-authentication+jwt").subject("client-1"),
        ),
        ("an ID-JAG", typed("oauth-id-jag+jwt").audience(id)),
        (
            "an ID-JAG for this resource",
            typed("oauth-id-jag+jwt").claim("resource", E),
        ),
        (
            "a logout token",
            typed("logout+jwt").claim("events", logout.clone()),
        ),
        (
            "an old logout token",
            own()
                .without("scope")
                .without("exp")
                .claim("events", logout.clone()),
        ),
        (
            "an old logout token with exp",
            own()
                .without("scope")
                .audience("client-1")
                .claim("events", logout),
        ),
        ("an event", typed("secevent+jwt").claim("events", json!({}))),
        (
            "an introspection answer",
            typed("token-introspection+jwt")
                .claim("token_introspection", json!({ "active": true })),
        ),
        (
            "an old introspection answer",
            own().without("scope").without("sub").without("exp").claim(
                "token_introspection",
                json!({ "active": true, "scope": "mcp:admin" }),
            ),
        ),
        ("a refresh token", typed("refresh+jwt")),
        (
            "a Keycloak refresh token",
            own().audience(id).claim("typ", "Refresh"),
        ),
        (
            "an authorization request",
            typed("oauth-authz-req+jwt").claim("response_type", "code"),
        ),
        (
            "for another resource",
            t0(issuer).audience("https://other.example.com/mcp"),
        ),
        (
            "for another tenant",
            t0(issuer).audience("https://mcp.example.com/tenant-2/mcp"),
        ),
        ("for the issuer itself", t0(issuer).audience(id)),
        ("for its client", t0(issuer).audience("client-1")),
        (
            "bound to a key",
            t0(issuer).claim("cnf", json!({ "jkt": "x" })),
        ),
    ]
}

/// A-10: in strict mode, and in the compatibility modes.
#[tokio::test]
async fn tokens_of_another_kind() {
    let modes: [Rules; 4] = [
        |rules| rules,
        TrustedIssuer::accept_generic_type,
        |rules| rules.accept_generic_type().without_token_id(),
        |rules| {
            rules
                .accept_generic_type()
                .accept_type("acme+jwt")
                .scopes_may_be_arrays()
        },
    ];
    for rules in modes {
        let server = support::server_with(rules, |b| b).await;
        let table = Table::of(&server).await;
        table
            .accepts("an access token", &t0(&server.issuer).mint())
            .await;
        for (case, token) in other_tokens(&server.issuer) {
            table.refuses_anyhow(case, &token.mint()).await;
        }
        let hits = server.issuer.jwks_hits();
        assert_eq!(hits, 1, "none of them is worth a refresh");
    }
}

/// A-13
#[tokio::test]
async fn issuers_that_are_somebody_else() {
    let clock = support::clock();
    let first = support::issuer(&clock).await;
    let other = |path: &'static str| {
        let builder = Issuer::builder(support::resource()).clock(Arc::new(clock.clone()));
        async move { builder.path(path).start().await.expect("an issuer") }
    };
    let (second, attacker) = (other("/t1").await, other("").await);
    let guard = support::strict(&first, &clock)
        .trusted_issuer(TrustedIssuer::new(second.id().clone()))
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let server = support::serve(first, clock, guard).await;
    // Everybody may be asked again.
    server.clock.advance(TimeDelta::seconds(31));
    let table = Table::of(&server).await;
    let (first, evil) = (&server.issuer, attacker.id().as_str());
    let hits = (first.jwks_hits(), second.jwks_hits());
    table.accepts("the first", &t0(first).mint()).await;
    table.accepts("the second", &t0(&second).mint()).await;
    let claimed = t0(first).claim("iss", second.id().as_str());
    table
        .refuses("the second, by the first", &claimed.mint(), "bad_signature")
        .await;
    let claimed = t0(&second).claim("iss", first.id().as_str());
    table
        .refuses("the first, by the second", &claimed.mint(), "bad_signature")
        .await;
    let name = first.id().as_str();
    let upper = name.replace("http", "HTTP");
    let port = name.rsplit(':').next().expect("a port");
    for iss in [
        &format!("{name}/"),
        &format!("{name}/t1"),
        &format!("{name}#"),
        &format!("{name}?"),
        &format!("{name}@{}", evil.trim_start_matches("http://")),
        &format!("http://localhost:{port}"),
        &format!("http://LOCALHOST:{port}"),
        &format!("http://127.1:{port}"),
        &upper,
        second.id().as_str().trim_end_matches("/t1"),
        &format!("{}/", second.id()),
        evil,
        &format!("{evil}/"),
        "https://attacker.test",
        "",
    ] {
        let code = if iss.is_empty() {
            "malformed_member"
        } else {
            "unknown_issuer"
        };
        table
            .refuses(iss, &t0(first).claim("iss", iss).mint(), code)
            .await;
        table
            .refuses(iss, &t0(&attacker).claim("iss", iss).mint(), code)
            .await;
    }
    for value in [
        json!([name]),
        json!([name, evil]),
        json!({ "iss": name }),
        json!(7),
        Value::Null,
    ] {
        let case = value.to_string();
        table
            .refuses(
                &case,
                &t0(first).claim("iss", value).mint(),
                "malformed_member",
            )
            .await;
    }
    let both = with_member(&t0(&attacker).payload_json(), &format!(r#""iss":"{name}""#));
    let token = t0(&attacker).raw_payload(both).mint();
    table
        .refuses("two issuers", &token, "duplicate_member")
        .await;
    assert_eq!(attacker.paths_requested(), [""; 0]);
    assert_eq!((first.jwks_hits(), second.jwks_hits()), hits);
}

/// RS-142: one answer, byte by byte, whatever is wrong with a token.
#[tokio::test]
async fn one_answer_serves_all_invalid_tokens() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let good = t0(issuer).token_id("gone").mint();
    table.accepts("before its revocation", &good).await;
    let gone = clearance::id::TokenId::new("gone");
    server
        .app
        .guard
        .revocations()
        .revoke_token(issuer.id(), &gone)
        .expect("room");
    for (code, token) in [
        ("revoked", good.clone()),
        ("bad_signature", t0(issuer).wrong_signature().mint()),
        (
            "bad_signature",
            with_signature(&good, &signature_of(&good)[1..]),
        ),
        ("unknown_key", t0(issuer).unknown_key().mint()),
        ("unsuitable_key", t0(issuer).header("alg", "ES384").mint()),
        ("unknown_issuer", t0(issuer).wrong_issuer().mint()),
        ("other_resource", t0(issuer).wrong_audience().mint()),
        ("expired", t0(issuer).expired().mint()),
        ("not_yet_valid", t0(issuer).not_yet_valid().mint()),
        ("foreign_type", t0(issuer).wrong_type().mint()),
        ("missing_claim", t0(issuer).without("jti").mint()),
        ("algorithm_not_allowed", t0(issuer).alg_none().mint()),
        (
            "duplicate_member",
            t0(issuer).claim_text("x", r#"{"y":1,"y":2}"#).mint(),
        ),
        ("malformed_segments", "x".to_owned()),
        ("token_too_long", "x".repeat(16 * 1024 + 1)),
    ] {
        table.refuses(code, &token, code).await;
    }
}
