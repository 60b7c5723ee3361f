//! What refused callers are told: statuses, challenges and bodies, and that nothing of the request
//! is in them.
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

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use chrono::TimeDelta;
use clearance::audit::ReasonCode;
use clearance::clock::Clock as _;
use clearance::id::{Subject, TokenId};
use clearance::keys::FixedKeys;
use clearance::limit::Quota;
use clearance::scope::AnyOf;
use clearance::testing::{Issuer, ManualClock};
use clearance::{Authorized, ConfigError, Guard, GuardBuilder, Refusal, TrustedIssuer};
use http::HeaderValue;
use proptest::prelude::*;
use support::http::{Http2, bearer, bearer_challenge, parts_with, request};
use support::{
    Answer, E, FilesRead, FilesWrite, Fixture, M, M_PATH, McpAdmin, ScopeA, ScopeB, Server, TRACE,
    TRACE_PARENT, ToolsRead,
};

/// The challenge of every token that does not count.
const INVALID: &str = "Bearer error=\"invalid_token\", scope=\"mcp:tools.read\", \
     resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\"";

/// A server with a limit on the age of tokens, so that there is every reason to refuse one, and
/// with five keys, so that a token may fail to say which it means.
async fn server_with_every_fault() -> Server {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    for _ in 0..4 {
        issuer.add_key(clearance::jwk::Algorithm::ES256);
    }
    let guard = support::strict(&issuer, &clock)
        .max_age(TimeDelta::hours(2))
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    support::serve(issuer, clock, guard).await
}

/// A token for every reason that the guard knows to answer 401, by the reason's code.
fn invalid_tokens(server: &Server) -> Vec<(&'static str, String)> {
    let issuer = &server.issuer;
    let now = server.clock.now();
    let token = || issuer.token().scope("mcp:tools.read");
    let kid = issuer.kid(clearance::jwk::Algorithm::ES256).expect("a key");
    let revoked = token().token_id("revoked-1").mint();
    let of_revoked = token().subject("mallory").mint();
    let revocations = server.app.guard.revocations();
    revocations
        .revoke_token(issuer.id(), &TokenId::new("revoked-1"))
        .expect("room");
    revocations
        .revoke_subject(issuer.id(), &Subject::new("mallory"))
        .expect("room");
    let twice = token().payload_json().replacen('{', r#"{"exp":1,"#, 1);
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    vec![
        ("algorithm_not_allowed", token().alg_none().mint()),
        ("malformed_base64", format!("+{}", token().mint())),
        (
            "critical_header",
            token().header_text("crit", r#"["b64"]"#).mint(),
        ),
        ("duplicate_member", token().raw_payload(twice).mint()),
        ("encoded_content", token().header("zip", "DEF").mint()),
        ("malformed_json", token().raw_payload("{").mint()),
        (
            "key_id_too_long",
            token().header("kid", "k".repeat(257)).mint(),
        ),
        ("malformed_member", token().subject("").mint()),
        ("malformed_segments", "abc.def".to_owned()),
        ("token_too_complex", token().claim_text("x", &deep).mint()),
        ("token_too_long", "a".repeat(16 * 1024 + 1)),
        ("unknown_issuer", token().wrong_issuer().mint()),
        ("ambiguous_key", token().without_header("kid").mint()),
        ("bad_signature", token().wrong_signature().mint()),
        ("unknown_key", token().unknown_key().mint()),
        (
            "unsuitable_key",
            token().header("alg", "ES384").header("kid", kid).mint(),
        ),
        (
            "bound_to_key",
            token().claim_text("cnf", r#"{"jkt":"x"}"#).mint(),
        ),
        ("expired", token().expired().mint()),
        ("foreign_type", token().wrong_type().mint()),
        (
            "issued_in_future",
            token().issued_at(now + TimeDelta::seconds(11)).mint(),
        ),
        (
            "lives_too_long",
            token().lifetime(TimeDelta::hours(25)).mint(),
        ),
        ("missing_claim", token().without("jti").mint()),
        ("not_yet_valid", token().not_yet_valid().mint()),
        ("other_resource", token().wrong_audience().mint()),
        (
            "too_old",
            token()
                .issued_at(now - TimeDelta::hours(3))
                .expires_at(now + TimeDelta::hours(1))
                .mint(),
        ),
        ("revoked", revoked),
        ("revoked", of_revoked),
    ]
}

/// One Bearer challenge that names the metadata by `M`, byte for byte, and the metadata is there.
async fn assert_leads_to_the_metadata(server: &Server, answer: &Answer) {
    let value = answer.header("www-authenticate").expect("a challenge");
    let challenge = bearer_challenge(value);
    assert_eq!(challenge.get("resource_metadata"), Some(M));
    let origin = M.strip_suffix(M_PATH).expect("an absolute address");
    assert_eq!(origin, "https://mcp.example.com");
    let document = server.get_bare(M_PATH).await;
    document.assert_ok();
    let document: serde_json::Value = serde_json::from_str(&document.body).expect("JSON");
    assert_eq!(document["resource"], E);
}

/// RS-019: for every cause of a 401 that the guard has. RS-020, RS-142: and all that concern a
/// token are one answer, byte for byte.
#[tokio::test]
async fn every_401_leads_to_the_metadata() {
    let logs = support::Logs::capture();
    let server = server_with_every_fault().await;
    let good = server.issuer.token().scope("mcp:tools.read").mint();
    server.get("/mcp", &good).await.assert_ok();

    let none = server.get_bare("/mcp").await;
    none.assert_401_none();
    assert_leads_to_the_metadata(&server, &none).await;
    let other_scheme = server.with_authorization("/mcp", b"Basic dTpw").await;
    other_scheme.assert_401_none();
    assert_leads_to_the_metadata(&server, &other_scheme).await;

    let constant = server.get("/mcp", "abc.def.ghi").await;
    for (code, token) in invalid_tokens(&server) {
        let before = logs.text().len();
        let answer = server.get("/mcp", &token).await;
        answer.assert_401_inv();
        assert_eq!(answer, constant, "{code}");
        assert_eq!(answer.header("www-authenticate"), Some(INVALID), "{code}");
        answer.assert_silent_about(&token);
        assert_leads_to_the_metadata(&server, &answer).await;
        // The token was refused for this very reason, and operators can see it.
        let log = logs.text().split_off(before);
        assert!(log.contains(&format!("reason=\"{code}\"")), "{code}: {log}");
    }
    assert_eq!(server.ran(), 1);
    server.get("/mcp", &good).await.assert_ok();
}

/// RS-019: the same over HTTP/2.
#[tokio::test]
async fn every_401_leads_to_the_metadata_over_http_2() {
    let server = server_with_every_fault().await;
    let mut client = Http2::to(server.address).await;
    let none = client.get("/mcp", &[]).await;
    none.assert_401_none();
    assert_leads_to_the_metadata(&server, &none).await;
    for (_, token) in invalid_tokens(&server) {
        // Longer than what HTTP/2 takes for a header list.
        if token.len() > 16 * 1024 {
            continue;
        }
        let value = format!("Bearer {token}");
        let answer = client.get("/mcp", &[("authorization", &value)]).await;
        answer.assert_401_inv();
        assert_leads_to_the_metadata(&server, &answer).await;
    }
    assert_eq!(server.ran(), 0);
}

/// RS-019: the table above names every reason to answer 401 that the source knows.
#[test]
fn the_table_of_401_causes_is_complete() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for file in [
        "token/parse.rs",
        "token/audience.rs",
        "token/signature.rs",
        "refusal.rs",
    ] {
        let text = std::fs::read_to_string(root.join("src").join(file)).expect("a source file");
        let arms = text.lines().filter_map(|line| {
            let arm = line.trim().strip_prefix("Self::")?;
            let (variant, code) = arm.split_once(" => ReasonCode::")?;
            let token = file != "refusal.rs" || variant.starts_with("InvalidToken(");
            let is_named = |known: &&ReasonCode| format!("{known:?},") == code;
            let code = ReasonCode::ALL.iter().find(is_named)?;
            token.then(|| code.as_str().to_owned())
        });
        known.extend(arms);
    }
    assert!(known.len() > 20, "{known:?}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = runtime.block_on(server_with_every_fault());
    let tested: BTreeSet<String> = invalid_tokens(&server)
        .into_iter()
        .map(|(code, _)| code.to_owned())
        .collect();
    assert_eq!(tested, known);
}

/// RS-020
#[tokio::test]
async fn a_token_that_does_not_count_is_invalid() {
    let server = support::server().await;
    let now = server.clock.now();
    let token = server.issuer.token().scope("mcp:tools.read");
    let late = token.clone().expires_at(now - TimeDelta::seconds(120));
    for token in [late.mint(), "abc.def.ghi".to_owned(), "garbage".to_owned()] {
        let answer = server.get("/mcp", &token).await;
        answer.assert_401_inv();
        answer.assert_silent_about(&token);
    }
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &token.mint()).await.assert_ok();
}

/// RS-021
#[tokio::test]
async fn a_401_names_the_baseline_and_nothing_else() {
    let server = support::server().await;
    for path in ["/mcp", "/delete", "/one_of", "/open"] {
        let answer = server.get_bare(path).await;
        answer.assert_401_none();
        let text = format!("{answer:?}");
        for scope in ["files:", "mcp:admin", "\"a\"", "\"b\""] {
            assert!(!text.contains(scope), "{scope}");
        }
    }
}

/// RS-021: a baseline of several scopes, and none at all.
#[tokio::test]
async fn the_baseline_is_what_was_configured() {
    let server = support::server_with(
        |r| r,
        GuardBuilder::baseline::<(ToolsRead, FilesRead, ToolsRead)>,
    )
    .await;
    let answer = server.get_bare("/mcp").await;
    let challenge = bearer_challenge(answer.header("www-authenticate").expect("a challenge"));
    assert_eq!(challenge.get("scope"), Some("mcp:tools.read files:read"));

    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = Guard::<Fixture>::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .issuer(issuer.id().clone())
        .build()
        .expect("a guard");
    let server = support::serve(issuer, clock, guard).await;
    let answer = server.get_bare("/mcp").await;
    assert_eq!(answer.status, 401);
    let value = answer.header("www-authenticate").expect("a challenge");
    assert_eq!(value, format!("Bearer resource_metadata=\"{M}\""));
    assert_eq!(bearer_challenge(value).parameters.len(), 1);
    let good = server.issuer.token().scope("mcp:tools.read").mint();
    server.get("/mcp", &good).await.assert_ok();
}

/// RS-022
#[tokio::test]
async fn too_few_scopes_are_403_with_what_to_ask_for() {
    let server = support::server().await;
    for (path, scope, expected) in [
        (
            "/delete",
            "mcp:tools.read",
            "files:read files:write mcp:tools.read",
        ),
        ("/delete", "files:read", "files:read files:write"),
        ("/delete", "files:write", "files:read files:write"),
        ("/delete", "b", "files:read files:write b"),
        ("/mcp", "files:read", "mcp:tools.read files:read"),
        ("/mcp", "mcp:admin", "mcp:tools.read mcp:admin"),
        ("/one_of", "mcp:tools.read", "a mcp:tools.read"),
    ] {
        let token = server.issuer.token().scope(scope).mint();
        let answer = server.get(path, &token).await;
        answer.assert_403(expected);
        answer.assert_silent_about(&token);
    }
    // No scope at all.
    for token in [
        server.issuer.token().mint(),
        server.issuer.token().scope("").mint(),
        server.issuer.token().scope("x:unknown").mint(),
    ] {
        let answer = server.get("/mcp", &token).await;
        answer.assert_403("mcp:tools.read");
    }
    assert_eq!(server.ran(), 0);
    let token = server.issuer.token().scope("files:write files:read").mint();
    server.get("/delete", &token).await.assert_ok();
}

/// RS-023
#[tokio::test]
async fn what_no_scope_cures_asks_for_none() {
    let server = support::server_with(
        |rules| rules,
        |guard| guard.deny_if(|caller| caller.subject().as_str() == "u1"),
    )
    .await;
    let token =
        |subject: &str, scope: &str| server.issuer.token().subject(subject).scope(scope).mint();
    // Also where the scope is missing as well: asking for it would be in vain.
    for scope in ["mcp:tools.read", "files:read", ""] {
        let token = token("u1", scope);
        let answer = server.get("/mcp", &token).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.code(), 40301);
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!format!("{answer:?}").contains("insufficient_scope"));
        answer.assert_silent_about(&token);
    }
    assert_eq!(server.ran(), 0);
    let other = server.get("/mcp", &token("u2", "files:read")).await;
    other.assert_403("mcp:tools.read files:read");
    server
        .get("/mcp", &token("u2", "mcp:tools.read"))
        .await
        .assert_ok();
}

/// RS-023: every rule counts, and the 401 of a token that does not count comes first.
#[tokio::test]
async fn each_of_several_rules_denies() {
    let server = support::server_with(
        |rules| rules,
        |guard| {
            guard
                .deny_if(|caller| caller.subject().as_str() == "u1")
                .deny_if(|caller| caller.client().as_str() == "c1")
        },
    )
    .await;
    let token = server.issuer.token().scope("mcp:tools.read");
    for token in [token.clone().subject("u1"), token.clone().client("c1")] {
        assert_eq!(server.get("/mcp", &token.mint()).await.code(), 40301);
        let late = token.expired().mint();
        server.get("/mcp", &late).await.assert_401_inv();
    }
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &token.mint()).await.assert_ok();
}

/// RS-024
#[tokio::test]
async fn validity_is_judged_before_scope() {
    let server = support::server().await;
    let now = server.clock.now();
    let token = server.issuer.token().scope("mcp:tools.read");
    for bad in [
        token.clone().expires_at(now - TimeDelta::seconds(120)),
        token.clone().wrong_audience(),
        token.clone().wrong_signature(),
        token.clone().wrong_issuer(),
        token.clone().not_yet_valid(),
    ] {
        server.get("/delete", &bad.mint()).await.assert_401_inv();
    }
    assert_eq!(server.ran(), 0);
    let answer = server.get("/delete", &token.mint()).await;
    answer.assert_403("files:read files:write mcp:tools.read");
}

/// The fixture's scopes in the vocabulary's order.
const SCOPES: [&str; 6] = [
    "mcp:tools.read",
    "files:read",
    "files:write",
    "mcp:admin",
    "a",
    "b",
];

/// A guard that needs no network, so that a property can be asked many times.
struct Offline {
    issuer: Issuer,
    clock: ManualClock,
    runtime: tokio::runtime::Runtime,
}

impl Offline {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let clock = support::clock();
        let issuer = runtime.block_on(support::issuer(&clock));
        Self {
            issuer,
            clock,
            runtime,
        }
    }

    fn guard(
        &self,
        prefix: Option<&str>,
        per_operation: bool,
    ) -> Result<Guard<Fixture>, ConfigError> {
        let keys = FixedKeys::from_json(self.issuer.jwks());
        let mut issuer = TrustedIssuer::with_keys(self.issuer.id().clone(), keys);
        if let Some(prefix) = prefix {
            issuer = issuer.scope_prefix(prefix);
        }
        let guard = support::with_rules(issuer, &self.clock).unlimited();
        if per_operation {
            guard.challenge_per_operation().build()
        } else {
            guard.build()
        }
    }

    fn ask<S>(&self, guard: &Guard<Fixture>, token: &str) -> Result<(), Refusal>
    where
        S: clearance::scope::Set + clearance::scope::KnownTo<Fixture>,
    {
        let mut parts = parts_with(token);
        let (name, value) = TRACE_PARENT.split_once(": ").expect("a field");
        parts.headers.insert(name, HeaderValue::from_static(value));
        let asked = guard.authorize::<S>(&mut parts);
        self.runtime.block_on(asked).map(drop)
    }
}

/// RS-025, RS-022, RS-088, RS-090: for any scopes in the token, any prefix and any demand, the
/// challenge is well formed, and lists what is needed, then what the token names of this
/// vocabulary, and nothing else.
#[test]
fn challenges_are_well_formed_for_any_scopes_and_prefixes() {
    let offline = Offline::new();
    let prefix = prop::option::of("[!#-\\[\\]-~]{1,12}".prop_filter(
        "a name would mean two scopes",
        |prefix| {
            !SCOPES
                .iter()
                .any(|scope| scope.starts_with(prefix.as_str()))
        },
    ));
    let names = prop::collection::vec(
        prop_oneof![
            3 => (0..SCOPES.len()).prop_map(|at| SCOPES[at].to_owned()),
            1 => "[!#-\\[\\]-~]{1,12}",
        ],
        0..6,
    );
    proptest!(|(prefix in prefix, names in names, demand in 0..4, per_operation in any::<bool>())| {
        let guard = offline.guard(prefix.as_deref(), per_operation).expect("a guard");
        let full = |name: &str| format!("{}{name}", prefix.as_deref().unwrap_or_default());
        let in_token: Vec<String> = names.iter().map(|name| full(name)).collect();
        let token = offline.issuer.token().scope(&in_token.join(" ")).mint();
        let has = |scope: &str| names.iter().any(|name| name == scope)
            || (scope.starts_with("files:") && names.iter().any(|name| name == "mcp:admin"));
        let (asked, needed, granted): (_, Vec<&str>, _) = match demand {
            0 => (offline.ask::<ToolsRead>(&guard, &token), vec!["mcp:tools.read"], has("mcp:tools.read")),
            1 => (
                offline.ask::<(FilesRead, FilesWrite)>(&guard, &token),
                vec!["files:read", "files:write"],
                has("files:read") && has("files:write"),
            ),
            2 => (
                offline.ask::<AnyOf<(ScopeB, ScopeA)>>(&guard, &token),
                vec!["b"],
                has("a") || has("b"),
            ),
            _ => (
                offline.ask::<(McpAdmin, AnyOf<(ToolsRead, ScopeA)>)>(&guard, &token),
                vec!["mcp:admin", "mcp:tools.read"],
                has("mcp:admin") && (has("mcp:tools.read") || has("a")),
            ),
        };
        prop_assert_eq!(asked.is_ok(), granted);
        let Err(refusal) = asked else { return Ok(()) };
        prop_assert_eq!(refusal.status(), 403);
        let value = refusal.challenge().expect("a challenge");
        let value = value.to_str().expect("ASCII");
        let challenge = bearer_challenge(value);
        let order: Vec<&str> = challenge.parameters.iter().map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(order, ["error", "scope", "resource_metadata"]);
        prop_assert_eq!(challenge.get("error"), Some("insufficient_scope"));
        prop_assert_eq!(challenge.get("resource_metadata"), Some(M));
        let mut expected = needed.clone();
        if !per_operation {
            let known = SCOPES.iter().copied().filter(|scope| names.iter().any(|n| n == scope));
            expected.extend(known.filter(|scope| !needed.contains(scope)));
        }
        let expected: Vec<String> = expected.iter().map(|name| full(name)).collect();
        let scope = challenge.get("scope").expect("scopes");
        prop_assert_eq!(scope, expected.join(" "));
        for name in scope.split(' ') {
            let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            prop_assert!(!name.is_empty() && name.bytes().all(allowed));
        }
    });
}

/// RS-025: text that no challenge can carry is refused when the guard is built. Scope text itself
/// is judged while compiling (`ui-tests/scopes`); what is left to run time is the prefix, and with
/// it no name may mean two scopes.
#[test]
fn a_prefix_that_is_no_scope_text_is_refused() {
    let offline = Offline::new();
    for prefix in [
        "",
        "a",
        "mcp:",
        "files:read",
        "\"",
        "a\"b",
        "\\",
        "a b",
        " ",
        "a\t",
        "\r\n",
        "\u{e4}",
        "a\u{7f}",
        "\0",
    ] {
        let id = offline.issuer.id().clone();
        assert_eq!(
            offline.guard(Some(prefix), false).expect_err(prefix),
            ConfigError::ScopePrefix(id)
        );
    }
    proptest!(|(prefix in "\\PC{0,8}")| {
        let is_scope_text = prefix.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
        let ambiguous = SCOPES.iter().any(|scope| scope.starts_with(prefix.as_str()));
        prop_assert_eq!(offline.guard(Some(&prefix), false).is_ok(), is_scope_text && !ambiguous);
    });
    assert!(offline.guard(Some("api://files/"), false).is_ok());
}

/// RS-025, RS-021: the prefix is also before the baseline.
#[test]
fn the_prefix_stands_before_the_baseline() {
    let offline = Offline::new();
    let guard = offline.guard(Some("api://files/"), false).expect("a guard");
    let refusal = offline
        .ask::<ToolsRead>(&guard, "garbage")
        .expect_err("garbage");
    let value = refusal.challenge().expect("a challenge");
    let challenge = bearer_challenge(value.to_str().expect("ASCII"));
    assert_eq!(challenge.get("scope"), Some("api://files/mcp:tools.read"));
}

/// RS-026
#[tokio::test]
async fn nothing_of_the_request_is_in_a_challenge() {
    let server = support::server().await;
    let hostile = "x\", error=\"none";
    let line = "a\"\r\nSet-Cookie: x";
    let token = server.issuer.token();
    let tokens = [
        token.clone().header("kid", hostile).scope(line),
        token.clone().header("kid", line).scope(hostile),
        token.clone().subject(hostile).client(line).expired(),
        token.clone().claim("iss", hostile),
        token.clone().audience(hostile),
        token.clone().header("typ", hostile),
        token.clone().header("alg", hostile),
    ];
    for token in tokens.map(|token| token.mint()) {
        let answer = server.get("/mcp", &token).await;
        answer.assert_401_inv();
        assert_eq!(answer.header("www-authenticate"), Some(INVALID));
        assert_eq!(answer.header("set-cookie"), None);
        answer.assert_silent_about(&token);
    }
    // A scope claim of a good token is shown only as far as the vocabulary knows it.
    for (scope, listed) in [
        (line, "mcp:tools.read"),
        (hostile, "mcp:tools.read"),
        ("b \" a", "mcp:tools.read a b"),
        ("a,b files:read\", error=\"x", "mcp:tools.read"),
    ] {
        let token = token.clone().scope(scope).subject(hostile).mint();
        let answer = server.get("/mcp", &token).await;
        answer.assert_403(listed);
        assert_eq!(answer.header("set-cookie"), None);
    }
    // Nor is anything of the head.
    let lines = [
        "x-evil: evil-marker",
        "origin: https://evil-marker.example",
        "cookie: evil-marker",
        "user-agent: evil-marker",
    ];
    let answer = server.raw(&request("GET /mcp?evil-marker", &lines)).await;
    answer.assert_401_none();
    assert!(!format!("{answer:?}").contains("evil"));
    assert_eq!(server.ran(), 0);
}

/// RS-026, RS-142: whatever text stands in a token that does not count, the answer is the same.
#[test]
fn no_text_of_a_token_changes_the_answer() {
    let offline = Offline::new();
    let guard = offline.guard(None, false).expect("a guard");
    let place = prop::sample::select(vec!["iss", "sub", "client_id", "jti", "scope", "aud", "x"]);
    proptest!(|(place in place, text in "\\PC{1,40}", kid in any::<bool>())| {
        let token = offline.issuer.token().scope("mcp:tools.read").expired().claim(place, text.as_str());
        let token = if kid { token.header("kid", text) } else { token };
        let refusal = offline.ask::<ToolsRead>(&guard, &token.mint()).expect_err("expired");
        prop_assert_eq!(refusal.status(), 401);
        prop_assert_eq!(refusal.challenge().expect("a challenge"), INVALID);
        prop_assert_eq!(refusal.body(), error_body(40100, "invalid access token"));
    });
}

/// RS-027
#[tokio::test]
async fn the_metadata_address_does_not_come_from_the_request() {
    let server = support::server().await;
    let good = bearer(&server.issuer.token().scope("mcp:tools.read").mint());
    for line in [
        "x-forwarded-host: evil.example",
        "x-forwarded-proto: http",
        "forwarded: host=evil.example;proto=http",
        "x-original-host: evil.example",
        "x-forwarded-prefix: /evil",
    ] {
        let answer = server.raw(&request("GET /mcp", &[line])).await;
        answer.assert_401_none();
        server
            .raw(&request("GET /mcp", &[line, &good]))
            .await
            .assert_ok();
    }
    for start in [
        "GET /mcp HTTP/1.1\r\nhost: evil.example",
        "GET /mcp HTTP/1.1\r\nHost: evil.example:8443",
    ] {
        let answer = server
            .raw(format!("{start}\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        answer.assert_401_none();
        let answer = server
            .raw(
                format!(
                    "{start}\r\n{}\r\nconnection: close\r\n\r\n",
                    "authorization: Bearer x"
                )
                .as_bytes(),
            )
            .await;
        answer.assert_401_inv();
        let document = start.replace("/mcp", M_PATH);
        let document = server
            .raw(format!("{document}\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        document.assert_ok();
        assert!(!document.body.contains("evil"));
    }
    // An absolute target names a host as well.
    let target = "GET http://evil.example/mcp HTTP/1.1\r\nhost: evil.example";
    let answer = server
        .raw(format!("{target}\r\nconnection: close\r\n\r\n").as_bytes())
        .await;
    answer.assert_401_none();
}

/// RS-030: what is not about credentials carries no challenge. (There is no check of `Origin` yet;
/// it will be tested with its rows.)
#[tokio::test]
async fn answers_that_are_not_about_credentials_carry_no_challenge() {
    let server = support::server_with(
        |rules| rules,
        |guard| {
            guard
                .limit(Quota::per_minute(1).burst(1))
                .deny_if(|caller| caller.subject().as_str() == "u1")
        },
    )
    .await;
    let token = server.issuer.token().scope("mcp:tools.read");
    let denied = server
        .get("/mcp", &token.clone().subject("u1").mint())
        .await;
    assert_eq!(
        (denied.status, denied.header("www-authenticate")),
        (403, None)
    );

    server.get("/mcp", &token.mint()).await.assert_ok();
    let limited = server.get("/mcp", &token.mint()).await;
    assert_eq!(
        (limited.status, limited.header("www-authenticate")),
        (429, None)
    );
    assert_eq!(limited.code(), 42900);
    assert_eq!(limited.header("cache-control"), Some("no-store"));

    for path in ["/nothing", "/.well-known/oauth-protected-resource"] {
        let nothing = server.get_bare(path).await;
        assert_eq!(
            (nothing.status, nothing.header("www-authenticate")),
            (404, None)
        );
    }
    let post = format!("POST {M_PATH}");
    let not_allowed = server.raw(&request::<&str>(&post, &[])).await;
    assert_eq!(
        (not_allowed.status, not_allowed.header("www-authenticate")),
        (405, None)
    );

    server.issuer.stop().await;
    server.clock.advance(TimeDelta::hours(2));
    let unavailable = server.get("/mcp", &token.mint()).await;
    assert_eq!(
        (unavailable.status, unavailable.header("www-authenticate")),
        (503, None)
    );
    assert_eq!(unavailable.code(), 50300);
    assert_eq!(unavailable.header("cache-control"), Some("no-store"));
    assert_eq!(server.ran(), 1);
}

/// RS-030: a method that a guarded route does not have is 405, with and without a token.
#[tokio::test]
async fn a_method_that_is_not_there_is_405() {
    async fn list(_: Authorized<ToolsRead>) -> &'static str {
        "ran"
    }
    let fixture = support::server().await;
    let router = Router::new()
        .route("/mcp", get(list))
        .with_state(fixture.app.guard.clone());
    let (address, task) = support::spawn(router).await;
    let token = fixture.issuer.token().scope("mcp:tools.read").mint();
    for lines in [vec![], vec![bearer(&token)], vec![bearer("x")]] {
        let answer = support::raw(address, &request("POST /mcp", &lines)).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    }
    let answer = support::raw(address, &request("GET /mcp", &[bearer(&token)])).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ran"));
    task.abort();
}

/// RS-088
#[tokio::test]
async fn a_challenge_keeps_what_the_caller_has() {
    let server = support::server().await;
    for (scope, listed) in [
        ("mcp:tools.read", "files:read files:write mcp:tools.read"),
        (
            "mcp:tools.read x:unknown",
            "files:read files:write mcp:tools.read",
        ),
        (
            "b a mcp:tools.read",
            "files:read files:write mcp:tools.read a b",
        ),
        ("files:write b", "files:read files:write b"),
        ("files:read files:read", "files:read files:write"),
        ("", "files:read files:write"),
    ] {
        let token = server.issuer.token().scope(scope).mint();
        let answer = server.get("/delete", &token).await;
        answer.assert_403(listed);
        assert!(!format!("{answer:?}").contains("x:unknown"));
    }
    assert_eq!(server.ran(), 0);

    let server = support::server_with(|rules| rules, GuardBuilder::challenge_per_operation).await;
    for scope in ["mcp:tools.read", "b a", "files:write b", "x:unknown"] {
        let token = server.issuer.token().scope(scope).mint();
        server
            .get("/delete", &token)
            .await
            .assert_403("files:read files:write");
    }
    assert_eq!(server.ran(), 0);
    // What a 401 names does not change.
    server.get_bare("/delete").await.assert_401_none();
    let token = server.issuer.token().scope("files:read files:write").mint();
    server.get("/delete", &token).await.assert_ok();
}

/// RS-089
#[tokio::test]
async fn hierarchies_count() {
    let server = support::server().await;
    for scope in [
        "mcp:tools.read mcp:admin",
        "mcp:admin",
        "mcp:admin files:read",
    ] {
        let token = server.issuer.token().scope(scope).mint();
        server.get("/delete", &token).await.assert_ok();
    }
    assert_eq!(server.ran(), 3);
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let answer = server.get("/delete", &token).await;
    answer.assert_403("files:read files:write mcp:tools.read");
    assert_eq!(server.ran(), 3);
}

/// RS-090: what is included is never named in a challenge, in either direction, and prefixes of
/// text include nothing. (Cycles do not compile: `ui-tests/scopes`.)
#[tokio::test]
async fn hierarchies_do_not_show_and_are_not_made_of_prefixes() {
    let server = support::server().await;
    let ask = async |path: &str, scope: &str| {
        server
            .get(path, &server.issuer.token().scope(scope).mint())
            .await
    };
    // Who lacks the files scopes is told these, and not the scope that would include them.
    ask("/delete", "")
        .await
        .assert_403("files:read files:write");
    // Who has `mcp:admin` is not told that it includes them.
    let answer = ask("/mcp", "mcp:admin").await;
    answer.assert_403("mcp:tools.read mcp:admin");
    for scope in [
        "files",
        "files:",
        "files:*",
        "*",
        "files:rea",
        "files:read:all files:write:all",
        "mcp:administrator",
        "mcp",
        "FILES:READ FILES:WRITE",
        "files:read,files:write",
        "files:read+files:write",
    ] {
        let answer = ask("/delete", scope).await;
        answer.assert_403("files:read files:write");
    }
    // The whole does not include its parts' parts the other way round.
    let answer = ask("/delete", "files:read").await;
    answer.assert_403("files:read files:write");
    assert_eq!(server.ran(), 0);
    ask("/delete", "files:read files:write").await.assert_ok();
}

/// RS-091
#[tokio::test]
async fn one_of_several_is_enough_and_one_is_asked_for() {
    let server = support::server().await;
    let ask = async |scope: &str| {
        server
            .get("/one_of", &server.issuer.token().scope(scope).mint())
            .await
    };
    for scope in ["a", "b", "a b", "b x"] {
        ask(scope).await.assert_ok();
    }
    assert_eq!(server.ran(), 4);
    ask("").await.assert_403("a");
    ask("x").await.assert_403("a");
    ask("files:read").await.assert_403("a files:read");
    // What is asked for suffices: it is one satisfiable set.
    ask("a files:read").await.assert_ok();
    // All of several needs each.
    for (scope, listed) in [
        ("files:read", "files:read files:write"),
        ("files:write", "files:read files:write"),
    ] {
        let token = server.issuer.token().scope(scope).mint();
        server.get("/delete", &token).await.assert_403(listed);
    }
    assert_eq!(server.ran(), 5);
}

/// The body of a refusal of [`TRACE_PARENT`]'s request: nothing but the code, a constant text, and
/// what the request called itself.
fn error_body(code: i32, message: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}","data":{{"correlationId":"{TRACE}"}}}}}}"#
    )
}

/// RS-142: a bad signature and an unknown key are one answer, and so are tokens of strangers; the
/// texts are constant and say no more than the class.
#[tokio::test]
async fn answers_say_no_more_than_the_class() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read");
    let bad_signature = server
        .get("/mcp", &token.clone().wrong_signature().mint())
        .await;
    let unknown_key = server
        .get("/mcp", &token.clone().unknown_key().mint())
        .await;
    let stranger = server
        .get("/mcp", &token.clone().wrong_issuer().mint())
        .await;
    bad_signature.assert_401_inv();
    assert_eq!(bad_signature, unknown_key);
    assert_eq!(bad_signature, stranger);
    assert_eq!(
        bad_signature.body,
        error_body(40100, "invalid access token")
    );
    let none = server.get_bare("/mcp").await;
    assert_eq!(none.body, error_body(40100, "access token required"));
    let malformed = server.get("/mcp", "a b").await;
    assert_eq!(malformed.body, error_body(-32600, "malformed credential"));
    let few = server.get("/delete", &token.mint()).await;
    assert_eq!(few.body, error_body(40300, "insufficient scope"));
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &token.mint()).await.assert_ok();
}
