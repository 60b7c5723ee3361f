//! What a genuine token may do: its scopes, and nothing else that it says.
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

use clearance::TrustedIssuer;
use serde_json::json;
use support::tokens::{Table, t0};

type Rules = fn(TrustedIssuer) -> TrustedIssuer;

/// RS-070
#[tokio::test]
async fn scopes_stand_in_one_claim_as_text() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let admin_too = t0(issuer).scope("mcp:tools.read  mcp:admin").mint();
    table.accepts("two blanks", &admin_too).await;
    server.get("/delete", &admin_too).await.assert_ok();
    for scope in [
        "mcp:tools.read",
        " mcp:tools.read ",
        "x:unknown mcp:tools.read",
        "mcp:tools.read mcp:tools.read",
    ] {
        table.accepts(scope, &t0(issuer).scope(scope).mint()).await;
    }
    for text in [
        r#"["mcp:tools.read"]"#,
        "[]",
        "7",
        "null",
        "true",
        r#"{"mcp:tools.read":true}"#,
    ] {
        let token = t0(issuer).claim_text("scope", text).mint();
        table.refuses(text, &token, "missing_claim").await;
    }
    for (case, token) in [
        ("absent", t0(issuer).without("scope")),
        ("empty", t0(issuer).scope("")),
        ("blanks", t0(issuer).scope("   ")),
        (
            "scp",
            t0(issuer).without("scope").claim("scp", "mcp:tools.read"),
        ),
        (
            "scp, array",
            t0(issuer)
                .without("scope")
                .claim("scp", json!(["mcp:tools.read"])),
        ),
        (
            "scopes",
            t0(issuer)
                .without("scope")
                .claim("scopes", "mcp:tools.read"),
        ),
        (
            "in the header",
            t0(issuer)
                .without("scope")
                .header("scope", "mcp:tools.read"),
        ),
    ] {
        table.lacks_scope(case, &token.mint()).await;
    }
}

/// RS-071
#[tokio::test]
async fn scopes_are_compared_whole_and_with_case() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table
        .accepts("exact", &t0(issuer).scope("mcp:tools.read").mint())
        .await;
    for scope in [
        "MCP:tools.read",
        "mcp:tools.Read",
        "mcp:tools.readwrite",
        "mcp:tools.rea",
        "mcp:tools",
        "mcp",
        "mcp:*",
        "*",
        "mcp:tools.read,",
        "mcp:tools.read,x",
        "mcp:tools.read\t",
        "\"mcp:tools.read\"",
        "mcp:tools.read\u{a0}x",
        "mcp:tools\u{2024}read",
    ] {
        table
            .lacks_scope(scope, &t0(issuer).scope(scope).mint())
            .await;
    }
}

/// RS-072
#[tokio::test]
async fn a_token_bound_to_a_key_is_no_bearer_token() {
    let modes: [Rules; 2] = [|rules| rules, TrustedIssuer::accept_generic_type];
    for rules in modes {
        let server = support::server_with(rules, |b| b).await;
        let table = Table::of(&server).await;
        let issuer = &server.issuer;
        table.accepts("not bound", &t0(issuer).mint()).await;
        for cnf in [
            r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#,
            r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#,
            r#"{"jwk":{"kty":"oct"}}"#,
            r#"{"x":1}"#,
            "{}",
            "[]",
            "null",
            r#""x""#,
            "false",
        ] {
            let token = t0(issuer).claim_text("cnf", cnf).mint();
            table.refuses(cnf, &token, "bound_to_key").await;
        }
        // Another scheme does not help: proofs of possession are not verified here.
        let bound = t0(issuer).claim("cnf", json!({ "jkt": "x" })).mint();
        let value = format!("DPoP {bound}");
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        answer.assert_401_none();
        answer.assert_silent_about(&bound);
    }
}

/// RS-074
#[tokio::test]
async fn claims_that_nobody_configured_grant_nothing() {
    let server = support::server().await;
    let issuer = &server.issuer;
    let plain = server.get("/delete", &t0(issuer).mint()).await;
    plain.assert_403("files:read files:write mcp:tools.read");
    for (name, value) in [
        ("email", json!("admin@mcp.example.com")),
        (
            "roles",
            json!(["admin", "mcp:admin", "files:read", "files:write"]),
        ),
        ("groups", json!(["mcp:admin"])),
        ("permissions", json!(["files:read", "files:write"])),
        ("realm_access", json!({ "roles": ["mcp:admin"] })),
        ("authorization_details", json!([{ "type": "mcp:admin" }])),
        ("act", json!({ "sub": "root", "scope": "mcp:admin" })),
        ("may_act", json!({ "sub": "root" })),
        ("admin", json!(true)),
    ] {
        let token = t0(issuer).claim(name, value).mint();
        let ran = server.ran();
        let answer = server.get("/delete", &token).await;
        assert_eq!(answer, plain, "{name}");
        assert_eq!(server.ran(), ran, "{name}");
        let answer = server.get("/mcp", &token).await;
        answer.assert_ok();
        // It stays the same principal, too.
        assert!(
            answer.body.ends_with("|alice|client-1"),
            "{name}: {answer:?}"
        );
    }
    let admin = t0(issuer).scope("mcp:admin").mint();
    server.get("/delete", &admin).await.assert_ok();
}

/// RS-074: the server's own policy comes on top of scopes.
#[tokio::test]
async fn the_policy_of_the_server_counts_beside_scopes() {
    let server = support::server_with(
        |rules| rules,
        |builder| builder.deny_if(|auth| auth.subject().as_str() == "mallory"),
    )
    .await;
    let issuer = &server.issuer;
    let mallory = t0(issuer).subject("mallory").mint();
    let answer = server.get("/mcp", &mallory).await;
    assert_eq!((answer.status, answer.code()), (403, 40301));
    assert_eq!(answer.header("www-authenticate"), None);
    answer.assert_silent_about(&mallory);
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &t0(issuer).mint()).await.assert_ok();
}
