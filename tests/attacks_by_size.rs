//! Tokens that are made to cost more than they are worth.
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
use clearance::secret::BearerToken;
use clearance::testing::{Issuer, TokenBuilder};
use clearance::token::{ParseError, Token, Unverified};
use serde_json::json;
use support::E;
use support::tokens::{Table, ask, b64, patient, reason, segments, t0, with_member};

/// Tokens with this JSON text in each place where one can stand.
fn everywhere(issuer: &Issuer, text: &str) -> Vec<String> {
    let (header, payload) = (t0(issuer).header_json(), t0(issuer).payload_json());
    let member = |name| format!(r#""{name}":{text}"#);
    let claims = ["x", "cnf", "aud", "scope", "azp", "iss", "exp", "sub"]
        .map(|name| t0(issuer).raw_payload(with_member(&payload, &member(name))));
    let headers = ["x", "jwk", "alg", "kid", "typ"]
        .map(|name| t0(issuer).raw_header(with_member(&header, &member(name))));
    let whole = [t0(issuer).raw_payload(text), t0(issuer).raw_header(text)];
    let all = claims.iter().chain(&headers).chain(&whole);
    all.map(TokenBuilder::mint).collect()
}

/// A-08: depth, where only the parser can stop it.
#[tokio::test]
async fn deep_documents_do_not_exhaust_the_stack() {
    let server = patient().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    for levels in [100, 10_000, 100_000] {
        let open = "[".repeat(levels);
        let objects = r#"{"x":"#.repeat(levels);
        let texts = [
            format!("{open}{}", "]".repeat(levels)),
            open,
            format!("{objects}1{}", "}".repeat(levels)),
            objects,
        ];
        for token in texts.iter().flat_map(|text| everywhere(issuer, text)) {
            let why = reason(&server.app.guard, &token).await;
            assert_ne!(why, "authorized", "{levels}");
            // What is longer than hyper allows in a header does not reach the guard by HTTP.
            if levels <= 10_000 {
                table.refuses_anyhow("deep", &token).await;
            }
        }
    }
    table
        .accepts("still", &t0(issuer).claim("x", json!([[[]]])).mint())
        .await;
}

/// A-14
#[tokio::test]
async fn oversize_tokens() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table.accepts("before", &t0(issuer).mint()).await;
    let sized = |bytes| t0(issuer).claim("x", "y".repeat(bytes)).mint();
    for kib in [16, 64, 200] {
        table
            .refuses("long", &sized(kib << 10), "token_too_long")
            .await;
    }
    // hyper takes no such header at all.
    let mebibyte = sized(1 << 20);
    let answer = server.get("/mcp", &mebibyte).await;
    assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    answer.assert_silent_about(&mebibyte);
    assert_eq!(reason(&server.app.guard, &mebibyte).await, "token_too_long");
    for text in [
        mebibyte.as_bytes(),
        &vec![b'a'; 1 << 20],
        &vec![b'.'; 1 << 20],
    ] {
        let token = BearerToken::from_bytes(text).expect("the right characters");
        assert_eq!(
            Token::<Unverified>::parse(token).err(),
            Some(ParseError::TooLong)
        );
    }
    table.accepts("after", &t0(issuer).mint()).await;
}

/// A-14: the same where the configuration takes long tokens, so that the parser sees them.
#[tokio::test]
async fn documents_of_many_parts() {
    let server = patient().await;
    let table = Table::of(&server).await;
    let (guard, issuer) = (&server.app.guard, &server.issuer);
    let list = |count: usize, what: &str| vec![what; count].join(",");
    let claims = |count: usize| {
        let members: Vec<_> = (0..count).map(|n| format!(r#""m{n}":{n}"#)).collect();
        t0(issuer).raw_payload(with_member(&t0(issuer).payload_json(), &members.join(",")))
    };
    let aud = |count| t0(issuer).claim_text("aud", &format!(r#"[{},"{E}"]"#, list(count, "\"x\"")));
    table.accepts("200 claims", &claims(200).mint()).await;
    table.accepts("1000 audiences", &aud(1_000).mint()).await;
    let scope = format!("{}mcp:tools.read", "x ".repeat(100_000));
    table
        .accepts("a scope claim of 200 KB", &t0(issuer).scope(&scope).mint())
        .await;
    table
        .refuses("10 000 claims", &claims(10_000).mint(), "token_too_complex")
        .await;
    table
        .refuses("10 000 audiences", &aud(10_000).mint(), "token_too_complex")
        .await;
    for (case, token) in [
        ("100 000 claims", claims(100_000)),
        ("100 000 audiences", aud(100_000)),
        (
            "100 000 scopes",
            t0(issuer).claim_text("scope", &format!("[{}]", list(100_000, "\"x\""))),
        ),
        (
            "arrays in an array",
            t0(issuer).claim_text("x", &format!("[{}]", list(100_000, "[]"))),
        ),
        (
            "objects in an array",
            t0(issuer).claim_text("x", &format!("[{}]", list(100_000, "{}"))),
        ),
        (
            "members inside",
            t0(issuer).claim_text("x", &format!("[{}]", list(100_000, r#"{"y":1}"#))),
        ),
        (
            "numbers",
            t0(issuer).claim_text("x", &format!("[{}]", list(1_000_000, "1"))),
        ),
    ] {
        assert_eq!(
            reason(guard, &token.mint()).await,
            "token_too_complex",
            "{case}"
        );
    }
    let megabytes = t0(issuer).scope(&format!("{}mcp:tools.read", "x ".repeat(1 << 20)));
    assert!(
        ask(guard, &megabytes.mint()).await.is_ok(),
        "2 MiB of scopes that mean nothing"
    );
    let megabytes = megabytes.claim_text("scope", &format!(r#""{}""#, r"\u0061".repeat(1 << 18)));
    assert_eq!(reason(guard, &megabytes.mint()).await, "insufficient_scope");
    assert_eq!(reason(guard, &t0(issuer).mint()).await, "authorized");
}

/// A-14: a thousand key names that nobody knows cost one refresh.
#[tokio::test]
async fn unknown_keys_by_the_thousand() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    server.clock.advance(TimeDelta::seconds(31));
    let (metadata, keys) = (issuer.metadata_hits(), issuer.jwks_hits());
    let token = t0(issuer).mint();
    for n in 0..1_000 {
        let kid = b64(format!(
            r#"{{"typ":"at+jwt","alg":"ES256","kid":"unknown-{n}"}}"#
        ));
        let [_, payload, signature] = segments(&token);
        let forged = format!("{kid}.{payload}.{signature}");
        if n % 100 == 0 {
            table.refuses("unknown", &forged, "unknown_key").await;
        } else {
            assert_eq!(server.get("/mcp", &forged).await.status, 401);
        }
    }
    assert_eq!(
        (issuer.metadata_hits(), issuer.jwks_hits()),
        (metadata + 1, keys + 1)
    );
    table.accepts("a known key", &token).await;
}
