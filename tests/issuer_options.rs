//! Each option of a trusted issuer: what is refused without it is accepted with it, for this issuer
//! and for no other. Options about keys are in `key_options.rs`.
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
use clearance::id::Subject;
use clearance::testing::{Issuer, TokenBuilder};
use clearance::token::ClientClaim;
use serde_json::{Value, json};
use support::tokens::{Table, ask, t0};
use support::{E, Server};

/// Builds a token for whichever issuer is asked.
type Mint = fn(&Issuer) -> TokenBuilder<'_>;

async fn strict() -> Server {
    support::server().await
}

async fn with(rules: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Server {
    support::server_with(rules, |builder| builder).await
}

/// Each token is refused by a strict guard for this reason, and accepted with the option.
async fn opens(server: &Server, code: &str, tokens: &[(&str, Mint)]) {
    let strict = strict().await;
    for (case, mint) in tokens {
        let table = Table::of(&strict).await;
        table
            .refuses(case, &mint(&strict.issuer).mint(), code)
            .await;
        let table = Table::of(server).await;
        table.accepts(case, &mint(&server.issuer).mint()).await;
    }
}

#[tokio::test]
async fn accept_generic_type() {
    let server = with(TrustedIssuer::accept_generic_type).await;
    opens(
        &server,
        "foreign_type",
        &[
            ("JWT", |issuer| t0(issuer).header("typ", "JWT")),
            ("missing", |issuer| t0(issuer).without_header("typ")),
        ],
    )
    .await;
    let other = t0(&server.issuer).header("typ", "acme+jwt").mint();
    Table::of(&server)
        .await
        .refuses("another", &other, "foreign_type")
        .await;
}

#[tokio::test]
async fn accept_type() {
    for name in ["acme+jwt", "application/Acme+JWT"] {
        let server = with(|rules| rules.accept_type(name)).await;
        opens(
            &server,
            "foreign_type",
            &[
                ("acme+jwt", |issuer| t0(issuer).header("typ", "acme+jwt")),
                ("ACME+JWT", |issuer| t0(issuer).header("typ", "ACME+JWT")),
                ("in full", |issuer| {
                    t0(issuer).header("typ", "application/acme+jwt")
                }),
            ],
        )
        .await;
        let table = Table::of(&server).await;
        table
            .accepts("the standard one", &t0(&server.issuer).mint())
            .await;
        for typ in ["JWT", "acme", "acme+jwt2", ""] {
            let token = t0(&server.issuer).header("typ", typ).mint();
            table.refuses(typ, &token, "foreign_type").await;
        }
    }
}

#[tokio::test]
async fn accept_audience() {
    const GUID: &str = "11111111-aaaa-bbbb-cccc-222222222222";
    let server = with(|rules| rules.accept_audience(GUID).accept_audience("api://files")).await;
    opens(
        &server,
        "other_resource",
        &[
            ("GUID", |issuer| t0(issuer).audience(GUID)),
            ("URI", |issuer| t0(issuer).audience("api://files")),
            ("one of two", |issuer| {
                t0(issuer).audience(json!(["x", GUID]))
            }),
        ],
    )
    .await;
    let table = Table::of(&server).await;
    table
        .accepts("the resource", &t0(&server.issuer).audience(E).mint())
        .await;
    // Not a URI that the guard knows, so not even the case of a scheme is forgiven.
    for aud in [
        &GUID.to_uppercase(),
        "API://files",
        "api://files/",
        "api://file",
        "",
        "x",
    ] {
        let token = t0(&server.issuer).audience(aud).mint();
        table.refuses(aud, &token, "other_resource").await;
    }
}

#[tokio::test]
async fn client_from() {
    for (claim, name) in [
        (ClientClaim::AppId, "appid"),
        (ClientClaim::Azp, "azp"),
        (ClientClaim::Cid, "cid"),
    ] {
        let server = with(|rules| rules.client_from(claim)).await;
        let strict = strict().await;
        let named = |issuer| t0(issuer).without("client_id").claim(name, "c9").mint();
        let refused = named(&strict.issuer);
        Table::of(&strict)
            .await
            .refuses(name, &refused, "missing_claim")
            .await;
        let table = Table::of(&server).await;
        table.accepts(name, &named(&server.issuer)).await;
        let answer = server.get("/mcp", &named(&server.issuer)).await;
        assert!(answer.body.ends_with("|alice|c9"), "{answer:?}");
        // From this claim and from no other.
        let both = t0(&server.issuer).claim(name, "c9").mint();
        assert!(server.get("/mcp", &both).await.body.ends_with("|c9"));
        let other = t0(&server.issuer).mint();
        table
            .refuses("client_id alone", &other, "missing_claim")
            .await;
        for wrong in [json!(7), json!(["c9"]), json!(""), Value::Null] {
            let token = t0(&server.issuer).claim(name, wrong.clone()).mint();
            table
                .refuses(&wrong.to_string(), &token, "missing_claim")
                .await;
        }
    }
    // Said by name, `client_id` is the only one, where `azp` would do otherwise.
    let azp: Mint = |issuer| t0(issuer).without("client_id").claim("azp", "c9");
    let loose = with(TrustedIssuer::accept_generic_type).await;
    Table::of(&loose)
        .await
        .accepts("azp", &azp(&loose.issuer).mint())
        .await;
    let named = with(|r| r.accept_generic_type().client_from(ClientClaim::ClientId)).await;
    let table = Table::of(&named).await;
    table
        .refuses("azp", &azp(&named.issuer).mint(), "missing_claim")
        .await;
    table.accepts("client_id", &t0(&named.issuer).mint()).await;
}

#[tokio::test]
async fn scopes_may_be_arrays() {
    let server = with(TrustedIssuer::scopes_may_be_arrays).await;
    opens(
        &server,
        "missing_claim",
        &[
            ("one", |issuer| {
                t0(issuer).claim("scope", json!(["mcp:tools.read"]))
            }),
            ("two", |issuer| {
                t0(issuer).claim("scope", json!(["x", "mcp:tools.read"]))
            }),
        ],
    )
    .await;
    let table = Table::of(&server).await;
    table.accepts("text", &t0(&server.issuer).mint()).await;
    for wrong in [
        json!(["mcp:tools.read", 7]),
        json!([["mcp:tools.read"]]),
        json!(7),
    ] {
        let token = t0(&server.issuer).claim("scope", wrong.clone()).mint();
        table
            .refuses(&wrong.to_string(), &token, "missing_claim")
            .await;
    }
    let scp = t0(&server.issuer)
        .without("scope")
        .claim("scp", "mcp:tools.read")
        .mint();
    table.lacks_scope("scp", &scp).await;
}

#[tokio::test]
async fn scopes_from_scp() {
    let server = with(TrustedIssuer::scopes_from_scp).await;
    let strict = strict().await;
    for value in [
        json!("mcp:tools.read"),
        json!("x mcp:tools.read"),
        json!(["mcp:tools.read"]),
    ] {
        let mint = |issuer| {
            t0(issuer)
                .without("scope")
                .claim("scp", value.clone())
                .mint()
        };
        let case = value.to_string();
        Table::of(&strict)
            .await
            .lacks_scope(&case, &mint(&strict.issuer))
            .await;
        Table::of(&server)
            .await
            .accepts(&case, &mint(&server.issuer))
            .await;
    }
    let table = Table::of(&server).await;
    table
        .lacks_scope("scope counts no more", &t0(&server.issuer).mint())
        .await;
    let wrong = t0(&server.issuer).claim("scp", 7).mint();
    table.refuses("a number", &wrong, "missing_claim").await;
    // What nobody reads may have any type.
    let odd = t0(&server.issuer)
        .claim("scope", 7)
        .claim("scp", "mcp:tools.read")
        .mint();
    table.accepts("an odd scope", &odd).await;
}

#[tokio::test]
async fn scopes_from_claim() {
    let server = with(|rules| {
        let values = [("operator", "mcp:tools.read"), ("root", "mcp:admin")];
        rules.scopes_from_claim(&["realm_access", "roles"], &values)
    })
    .await;
    let strict = strict().await;
    let roles = |issuer, value: Value| {
        t0(issuer)
            .without("scope")
            .claim("realm_access", json!({ "roles": value }))
            .mint()
    };
    for value in [
        json!("operator"),
        json!(["x", "operator"]),
        json!(["operator", "root"]),
    ] {
        let case = value.to_string();
        let refused = roles(&strict.issuer, value.clone());
        Table::of(&strict).await.lacks_scope(&case, &refused).await;
        Table::of(&server)
            .await
            .accepts(&case, &roles(&server.issuer, value))
            .await;
    }
    let issuer = &server.issuer;
    let root = roles(issuer, json!(["root"]));
    server.get("/delete", &root).await.assert_ok();
    server
        .get("/mcp", &root)
        .await
        .assert_403("mcp:tools.read mcp:admin");
    let table = Table::of(&server).await;
    for (case, token) in [
        ("scope counts no more", t0(issuer).mint()),
        (
            "the scope is no value",
            roles(issuer, json!(["mcp:tools.read"])),
        ),
        ("several in one text", roles(issuer, json!("x operator"))),
        ("another case", roles(issuer, json!(["Operator"]))),
        ("none", roles(issuer, json!([]))),
        ("higher up", t0(issuer).claim("roles", "operator").mint()),
        (
            "the whole path as a name",
            t0(issuer).claim("realm_access.roles", "operator").mint(),
        ),
        (
            "not an object",
            t0(issuer).claim("realm_access", "operator").mint(),
        ),
    ] {
        table.lacks_scope(case, &token).await;
    }
    for wrong in [
        json!(7),
        json!(["operator", 7]),
        json!({ "operator": true }),
        Value::Null,
    ] {
        let case = wrong.to_string();
        table
            .refuses(&case, &roles(issuer, wrong), "missing_claim")
            .await;
    }
}

#[tokio::test]
async fn scope_prefix() {
    let server = with(|rules| rules.scope_prefix("api://files/")).await;
    let strict = strict().await;
    let mint = |issuer| t0(issuer).scope("api://files/mcp:tools.read").mint();
    Table::of(&strict)
        .await
        .lacks_scope("prefixed", &mint(&strict.issuer))
        .await;
    server.get("/mcp", &mint(&server.issuer)).await.assert_ok();
    server
        .get("/mcp", &t0(&server.issuer).mint())
        .await
        .assert_ok();
    for scope in [
        "api://other/mcp:tools.read",
        "api://files/api://files/mcp:tools.read",
        "api://files/",
    ] {
        let token = t0(&server.issuer).scope(scope).mint();
        server
            .get("/mcp", &token)
            .await
            .assert_403("api://files/mcp:tools.read");
    }
    // Clients must ask for the names that the issuer knows.
    let all = "api://files/files:read api://files/files:write api://files/mcp:tools.read";
    server
        .get("/delete", &mint(&server.issuer))
        .await
        .assert_403(all);
    let challenge = server.get_bare("/mcp").await.challenge();
    assert!(challenge.contains(&("scope".to_owned(), "api://files/mcp:tools.read".to_owned())));
}

/// A challenge speaks the language of the issuer whose token was shown.
#[tokio::test]
async fn options_are_those_of_one_issuer() {
    let clock = support::clock();
    let first = support::issuer(&clock).await;
    let second = support::issuer(&clock).await;
    let rules = TrustedIssuer::new(second.id().clone())
        .scope_prefix("p/")
        .accept_generic_type()
        .accept_audience("aud")
        .without_token_id()
        .client_from(ClientClaim::Cid);
    let guard = support::strict(&first, &clock)
        .trusted_issuer(rules)
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let server = support::serve(first, clock, guard).await;
    let table = Table::of(&server).await;
    let cases: [(&str, Mint); 5] = [
        ("other_resource", |issuer| {
            t0(issuer).claim("cid", "c").audience("aud")
        }),
        ("missing_claim", |issuer| {
            t0(issuer).claim("cid", "c").without("jti")
        }),
        ("missing_claim", |issuer| {
            t0(issuer).claim("cid", "c").without("client_id")
        }),
        ("foreign_type", |issuer| {
            t0(issuer).claim("cid", "c").header("typ", "JWT")
        }),
        ("insufficient_scope", |issuer| {
            t0(issuer).claim("cid", "c").scope("p/mcp:tools.read")
        }),
    ];
    for (code, mint) in cases {
        table.accepts(code, &mint(&second).mint()).await;
        let token = mint(&server.issuer).mint();
        if code == "insufficient_scope" {
            table.lacks_scope(code, &token).await;
        } else {
            table.refuses(code, &token, code).await;
        }
    }
    let delete = |issuer| t0(issuer).claim("cid", "c").scope("").mint();
    server
        .get("/delete", &delete(&second))
        .await
        .assert_403("p/files:read p/files:write");
    server
        .get("/delete", &delete(&server.issuer))
        .await
        .assert_403("files:read files:write");
}

#[tokio::test]
async fn without_token_id() {
    let server = with(TrustedIssuer::without_token_id).await;
    opens(
        &server,
        "missing_claim",
        &[("no jti", |issuer| t0(issuer).without("jti"))],
    )
    .await;
    let table = Table::of(&server).await;
    let number = t0(&server.issuer).claim("jti", 7).mint();
    table.refuses("a number", &number, "malformed_member").await;
    let nameless = t0(&server.issuer).without("jti").mint();
    let alice = Subject::new("alice");
    let revocations = server.app.guard.revocations();
    revocations
        .revoke_subject(server.issuer.id(), &alice)
        .expect("room");
    table.refuses("by its subject", &nameless, "revoked").await;
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Extra {
    tenant: String,
    level: u8,
}

#[tokio::test]
async fn extra_claims() {
    let server = with(TrustedIssuer::extra_claims::<Extra>).await;
    let token = |level: Value| {
        t0(&server.issuer)
            .claim("tenant", "t1")
            .claim("level", level)
            .mint()
    };
    let table = Table::of(&server).await;
    table.accepts("there", &token(json!(7))).await;
    let auth = ask(&server.app.guard, &token(json!(7)))
        .await
        .expect("a proof");
    let wanted = Extra {
        tenant: "t1".to_owned(),
        level: 7,
    };
    assert_eq!(auth.claims::<Extra>(), Some(&wanted));
    assert_eq!(auth.claims::<Value>(), None, "another type");
    table
        .refuses("missing", &t0(&server.issuer).mint(), "missing_claim")
        .await;
    for wrong in [json!("7"), json!(256), Value::Null] {
        table.refuses("wrong", &token(wrong), "missing_claim").await;
    }
    let strict = strict().await;
    Table::of(&strict)
        .await
        .accepts("nobody asks", &t0(&strict.issuer).mint())
        .await;
    let auth = ask(&strict.app.guard, &t0(&strict.issuer).mint())
        .await
        .expect("a proof");
    assert_eq!(auth.claims::<Extra>(), None);
}
