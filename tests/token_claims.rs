//! What a genuine token must say to be an access token for this resource. What it may do is in
//! `token_scopes.rs`, when it is in force in `token_times.rs`.
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

use clearance::keys::FixedKeys;
use clearance::{ConfigError, TrustedIssuer};
use serde_json::{Value, json};
use support::E;
use support::tokens::{Table, t0};

type Rules = fn(TrustedIssuer) -> TrustedIssuer;

/// RS-050
#[tokio::test]
async fn strict_mode_wants_the_type_of_access_tokens() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    for typ in [
        "at+jwt",
        "AT+JWT",
        "At+Jwt",
        "application/at+jwt",
        "APPLICATION/AT+JWT",
    ] {
        let token = t0(issuer).header("typ", typ).mint();
        table.accepts(typ, &token).await;
    }
    for typ in [
        "JWT",
        "jwt",
        "application/jwt",
        "",
        "at",
        "at+jwt ",
        " at+jwt",
        "at+jwt; v=1",
        "at-jwt",
        "text/at+jwt",
        "application/application/at+jwt",
        "id_token+jwt",
    ] {
        let token = t0(issuer).header("typ", typ).mint();
        table.refuses(typ, &token, "foreign_type").await;
    }
    let missing = t0(issuer).without_header("typ").mint();
    table.refuses("missing", &missing, "foreign_type").await;
    for text in ["null", "7", r#"["at+jwt"]"#, "{}"] {
        let token = t0(issuer).header_text("typ", text).mint();
        table.refuses(text, &token, "malformed_member").await;
    }
}

/// RS-051
#[tokio::test]
async fn without_a_type_claims_must_tell_access_tokens_from_id_tokens() {
    let server = support::server_with(TrustedIssuer::accept_generic_type, |b| b).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let jwt = || t0(issuer).header("typ", "JWT");
    for (case, token) in [
        ("JWT", jwt()),
        ("jwt", t0(issuer).header("typ", "jwt")),
        (
            "application/jwt",
            t0(issuer).header("typ", "application/jwt"),
        ),
        ("no type", t0(issuer).without_header("typ")),
        ("at+jwt", t0(issuer)),
        (
            "azp for client_id",
            jwt().without("client_id").claim("azp", "c1"),
        ),
    ] {
        table.accepts(case, &token.mint()).await;
    }
    for (case, token) in [
        ("nonce", jwt().claim("nonce", "n")),
        ("nonce, null", jwt().claim("nonce", Value::Null)),
        ("at_hash", jwt().claim("at_hash", "n")),
        ("c_hash", jwt().claim("c_hash", "n")),
        (
            "nonce, no type",
            t0(issuer).without_header("typ").claim("nonce", "n"),
        ),
        ("no scope claim", jwt().without("scope")),
        (
            "scp in place of scope",
            jwt().without("scope").claim("scp", "mcp:tools.read"),
        ),
        ("another type", t0(issuer).header("typ", "id_token+jwt")),
    ] {
        table.refuses(case, &token.mint(), "foreign_type").await;
    }
    for (case, token) in [
        ("no client", jwt().without("client_id")),
        ("client_id is a number", jwt().claim("client_id", 7)),
        (
            "azp is a number",
            jwt().without("client_id").claim("azp", 7),
        ),
    ] {
        table.refuses(case, &token.mint(), "missing_claim").await;
    }
}

const FOREIGN: [&str; 9] = [
    "dpop+jwt",
    "oauth-id-jag+jwt",
    "client-authentication+jwt",
    "logout+jwt",
    "secevent+jwt",
    "token-introspection+jwt",
    "entity-statement+jwt",
    "kb+jwt",
    "vc+sd-jwt",
];

/// RS-052
#[tokio::test]
async fn types_of_other_tokens_are_refused_in_every_mode() {
    let modes: [Rules; 3] = [
        |rules| rules,
        TrustedIssuer::accept_generic_type,
        |rules| rules.accept_generic_type().accept_type("acme+jwt"),
    ];
    for rules in modes {
        let server = support::server_with(rules, |b| b).await;
        let table = Table::of(&server).await;
        let typed = |typ: &str| t0(&server.issuer).header("typ", typ).mint();
        table.accepts("at+jwt", &typed("at+jwt")).await;
        for typ in FOREIGN {
            for typ in [
                typ.to_owned(),
                typ.to_uppercase(),
                format!("application/{typ}"),
            ] {
                table.refuses(&typ, &typed(&typ), "foreign_type").await;
            }
        }
    }
    // And no configuration can say otherwise.
    let clock = support::clock();
    let with = |typ: &str| {
        let keys = FixedKeys::from_json(support_keys());
        let issuer =
            TrustedIssuer::with_keys("https://as.example.com".parse().expect("an issuer"), keys);
        support::with_rules(issuer.accept_type(typ), &clock)
            .build()
            .map(drop)
    };
    assert_eq!(with("acme+jwt"), Ok(()));
    for typ in FOREIGN {
        let foreign = Err(ConfigError::ForeignType(typ.into()));
        assert_eq!(with(typ), foreign);
        assert_eq!(
            with(&format!("Application/{}", typ.to_uppercase())),
            foreign
        );
    }
}

/// A key set that can be read.
fn support_keys() -> String {
    json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "kid": "d1",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }] })
    .to_string()
}

/// RS-059: keys that are given, so that the issuer can have the name that the row uses.
#[tokio::test]
async fn the_issuer_is_compared_as_text() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let name = "https://as.example.com";
    let keys = FixedKeys::from_json(issuer.jwks());
    let trusted = TrustedIssuer::with_keys(name.parse().expect("an issuer"), keys);
    let guard = support::with_rules(trusted, &clock)
        .build()
        .expect("a guard");
    let server = support::serve(issuer, clock, guard).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table
        .accepts("as configured", &t0(issuer).claim("iss", name).mint())
        .await;
    for iss in [
        "https://as.example.com/",
        "HTTPS://as.example.com",
        "https://AS.example.com",
        "https://as.example.com:443",
        "https://as.example.com?",
        "https://as.example.com#",
        "https://as.example.com.",
        "https://as.example.com/t1",
        "https://as.example.co",
        "http://as.example.com",
        "as.example.com",
        "https://as.example.com ",
        "https://as.example%2Ecom",
        "https://u@as.example.com",
        issuer.id().as_str(),
    ] {
        table
            .refuses(iss, &t0(issuer).claim("iss", iss).mint(), "unknown_issuer")
            .await;
    }
    let texts = [&json!([name]).to_string(), "null", "7", "{}", r#""""#];
    for text in texts {
        let token = t0(issuer).claim_text("iss", text).mint();
        table.refuses(text, &token, "malformed_member").await;
    }
    let missing = t0(issuer).without("iss").mint();
    table.refuses("missing", &missing, "malformed_member").await;
    // In the header it says nothing (RFC 7519 section 5.3 would only repeat it there).
    let elsewhere = t0(issuer).without("iss").header("iss", name).mint();
    table
        .refuses("in the header", &elsewhere, "malformed_member")
        .await;
    let escaped = t0(issuer)
        .claim_text("iss", r#""https:\/\/as.example.com""#)
        .mint();
    table.accepts("the same text, with escapes", &escaped).await;
}

/// RS-061
#[tokio::test]
async fn one_audience_must_be_this_resource() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    for (case, aud) in [
        ("text", json!(E)),
        ("one", json!([E])),
        ("the second", json!(["x", E])),
        ("the first", json!([E, "x", ""])),
    ] {
        table.accepts(case, &t0(issuer).audience(aud).mint()).await;
    }
    for (case, aud, code) in [
        ("empty", json!(""), "other_resource"),
        ("none", json!([]), "other_resource"),
        ("another", json!(["x"]), "other_resource"),
        ("a number beside it", json!([E, 7]), "missing_claim"),
        ("null beside it", json!([null, E]), "missing_claim"),
        ("nested", json!([[E]]), "missing_claim"),
        ("an object", json!({ "a": E }), "missing_claim"),
        ("an object named so", json!({ E: true }), "missing_claim"),
        ("null", Value::Null, "missing_claim"),
        ("a number", json!(7), "missing_claim"),
        ("true", json!(true), "missing_claim"),
    ] {
        table
            .refuses(case, &t0(issuer).audience(aud).mint(), code)
            .await;
    }
    let missing = t0(issuer).without("aud");
    table
        .refuses("missing", &missing.mint(), "missing_claim")
        .await;
    // RFC 8707 names the parameter of a request so, not a claim.
    let resource = t0(issuer).without("aud").claim("resource", E);
    table
        .refuses("resource", &resource.mint(), "missing_claim")
        .await;
}

/// RS-062
#[tokio::test]
async fn audiences_are_compared_whole() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table.accepts("E", &t0(issuer).audience(E).mint()).await;
    for aud in [
        "https://mcp.example.com",
        "https://mcp.example.com/",
        "https://mcp.example.com/mcp/",
        "https://mcp.example.com/mcp/admin",
        "https://mcp.example.com/mcp-admin",
        "https://mcp.example.com/mc",
        "https://mcp.example.com/mcp?",
        "https://mcp.example.com/mcp#",
        "https://mcp.example.com.evil.com/mcp",
        "http://mcp.example.com/mcp",
        "https://mcp.example.com@evil.com/mcp",
        "https://evil.com/https://mcp.example.com/mcp",
        "https://evil.com/mcp",
        "https://example.com/mcp",
        "mcp.example.com/mcp",
        "https://mcp.example.com/mcp x",
        "x https://mcp.example.com/mcp",
        "*",
        "client-1",
    ] {
        table
            .refuses(aud, &t0(issuer).audience(aud).mint(), "other_resource")
            .await;
        let both = t0(issuer).audience(json!([aud, "x"])).mint();
        table.refuses(aud, &both, "other_resource").await;
    }
}

/// RS-063
#[tokio::test]
async fn only_scheme_and_host_of_an_audience_have_no_case() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    for aud in [
        "HTTPS://MCP.EXAMPLE.COM/mcp",
        "https://MCP.example.com/mcp",
        "Https://mcp.example.com/mcp",
    ] {
        table.accepts(aud, &t0(issuer).audience(aud).mint()).await;
    }
    for aud in [
        "https://mcp.example.com/MCP",
        "HTTPS://MCP.EXAMPLE.COM/MCP",
        "https://mcp.example.com:443/mcp",
        "https://mcp.example.com/mcp/",
        "https://mcp.example.com/%6Dcp",
        "https://mcp.example.com/./mcp",
        "https://mcp.example.com//mcp",
        "https://mcp.example.com./mcp",
        // The Kelvin sign and the long s have ASCII letters for lower and upper case.
        "http\u{17F}://mcp.example.com/mcp",
    ] {
        table
            .refuses(aud, &t0(issuer).audience(aud).mint(), "other_resource")
            .await;
    }
}

/// RS-068
#[tokio::test]
async fn subject_client_and_token_id_are_required_texts() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table.accepts("all there", &t0(issuer).mint()).await;
    for name in ["sub", "client_id", "jti"] {
        let missing = t0(issuer).without(name).mint();
        table.refuses(name, &missing, "missing_claim").await;
        for text in ["7", "null", "true", "{}", r#"["x"]"#, r#""""#] {
            let token = t0(issuer).claim_text(name, text).mint();
            let code = if name == "client_id" {
                "missing_claim"
            } else {
                "malformed_member"
            };
            table
                .refuses(&format!("{name}: {text}"), &token, code)
                .await;
        }
    }
    // Only options of the issuer let another claim stand for the client.
    for name in ["azp", "cid", "appid"] {
        let token = t0(issuer).without("client_id").claim(name, "c1").mint();
        table.refuses(name, &token, "missing_claim").await;
    }
}
