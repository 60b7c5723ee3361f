//! The protected resource metadata: where it stands, what it says, and that it says the truth.
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

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use clearance::id::{self, IdentifierError, Resource};
use clearance::keys::FixedKeys;
use clearance::testing::{Issuer, ManualClock};
use clearance::{
    Authorized, ConfigError, Guard, GuardBuilder, Ready, TrustedIssuer, WantsIssuer,
    metadata_routes,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::http::{Http2, bearer, bearer_challenge, request};
use support::{
    Answer, E, FilesRead, FilesWrite, Fixture, M, M_PATH, McpAdmin, ScopeA, ToolsRead, raw,
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

async fn open(auth: Authorized<()>) -> String {
    auth.resource().to_string()
}

/// A guard of `resource`, before more is said.
fn unbuilt(resource: &str, clock: &ManualClock) -> GuardBuilder<Fixture, WantsIssuer> {
    let resource: Resource = resource.parse().expect("a resource");
    Guard::builder(resource).clock(Arc::new(clock.clone()))
}

fn build(builder: GuardBuilder<Fixture, Ready>) -> Guard<Fixture> {
    builder.build().expect("a guard")
}

/// Several guards on one server, each with a route of its own.
struct Site {
    address: SocketAddr,
    _task: support::Held,
}

impl Site {
    async fn of<const N: usize>(guards: [(&str, &Guard<Fixture>); N]) -> Self {
        let mut router = Router::new();
        for (path, guard) in guards {
            let route = Router::new().route(path, get(open));
            router = router.merge(route.with_state(guard.clone()));
        }
        let resources = guards.map(|(_, guard)| -> &dyn clearance::ProtectedResource { guard });
        let metadata = metadata_routes(resources).expect("metadata routes");
        let (address, task) = support::spawn(router.merge(metadata)).await;
        Self {
            address,
            _task: task.into(),
        }
    }

    async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[]).await
    }

    async fn with(&self, target: &str, token: &str) -> Answer {
        self.send("GET", target, &[&bearer(token)]).await
    }

    async fn send(&self, method: &str, target: &str, lines: &[&str]) -> Answer {
        raw(self.address, &request(&format!("{method} {target}"), lines)).await
    }

    /// The document at this target.
    async fn document(&self, target: &str) -> Value {
        let answer = self.get(target).await;
        answer.assert_ok();
        serde_json::from_str(&answer.body).expect("JSON")
    }
}

/// RS-032
#[tokio::test]
async fn the_document_is_at_the_inserted_path_for_anybody() {
    let server = support::server().await;
    let answer = server.get_bare(M_PATH).await;
    answer.assert_ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("www-authenticate"), None);
    // A credential, good or not, changes nothing.
    let good = server.issuer.token().mint();
    for token in [good.as_str(), "garbage", "a b"] {
        assert_eq!(server.get(M_PATH, token).await, answer);
    }
    let mut client = Http2::to(server.address).await;
    let over_http_2 = client.get(M_PATH, &[]).await;
    assert_eq!((over_http_2.status, over_http_2.body), (200, answer.body));
    for path in [
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource/MCP",
        "/.well-known/oauth-protected-resource/mcp/x",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(server.get_bare(path).await.status, 404, "{path}");
    }
    // Served or not, no keys were needed.
    assert_eq!(server.ran(), 0);
}

/// RS-033
#[tokio::test]
async fn the_resource_is_the_configured_text() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    for (resource, target) in [
        (E, M_PATH),
        ("https://mcp.example.com", WELL_KNOWN),
        ("https://mcp.example.com/", WELL_KNOWN),
        (
            "https://mcp.example.com/mcp/",
            "/.well-known/oauth-protected-resource/mcp/",
        ),
        (
            "https://mcp.example.com:8443/a/b/c",
            "/.well-known/oauth-protected-resource/a/b/c",
        ),
        (
            "HTTPS://MCP.Example.com/Mcp",
            "/.well-known/oauth-protected-resource/Mcp",
        ),
        (
            "https://mcp.example.com/a%2Fb~c",
            "/.well-known/oauth-protected-resource/a%2Fb~c",
        ),
        (
            "http://127.0.0.1:3000/mcp",
            "/.well-known/oauth-protected-resource/mcp",
        ),
        (
            "http://[::1]:3000/mcp",
            "/.well-known/oauth-protected-resource/mcp",
        ),
    ] {
        let guard = build(unbuilt(resource, &clock).issuer(issuer.id().clone()));
        let site = Site::of([("/mcp", &guard)]).await;
        let document = site.document(target).await;
        assert_eq!(document["resource"], resource);
        // The challenge leads there: what stands before the path is the resource's own origin.
        let refused = site.get("/mcp").await;
        let challenge = refused.header("www-authenticate").expect("a challenge");
        let address = bearer_challenge(challenge);
        let address = address.get("resource_metadata").expect("an address");
        let origin = address.strip_suffix(target).expect("the same path");
        assert!(resource.starts_with(origin), "{address}");
        assert_eq!(guard.resource().metadata_url(), address);
        // Tokens for this very text are accepted, and the text alone is not what counts.
        let token = issuer.token().audience(resource).mint();
        site.with("/mcp", &token).await.assert_ok();
        let token = issuer.token().audience(format!("{resource}x")).mint();
        assert_eq!(site.with("/mcp", &token).await.status, 401);
    }
}

/// RS-033: a path may have any character that a URI may have, and is no pattern.
#[tokio::test]
async fn a_path_is_text_and_no_pattern() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let of = |path: &str| {
        let resource = format!("https://mcp.example.com{path}");
        build(unbuilt(&resource, &clock).issuer(issuer.id().clone()))
    };
    for path in [
        "/a:b/c*", "/(x)", "//mcp", "/a;b=c", "/@u", "/$x", "/%7Bx%7D", "/a+b",
    ] {
        let guard = of(path);
        let site = Site::of([("/mcp", &guard)]).await;
        let document = site.document(&format!("{WELL_KNOWN}{path}")).await;
        assert_eq!(
            document["resource"],
            format!("https://mcp.example.com{path}")
        );
        for other in ["/other", "/other/mcp", "/x"] {
            let elsewhere = site.get(&format!("{WELL_KNOWN}{other}")).await;
            assert_eq!(elsewhere.status, 404, "{path}");
        }
    }
    // What axum would panic at is a configuration error, and not an answer for other paths.
    for path in ["/:tenant/mcp", "/*rest", "/a/:b", "/a/*"] {
        let guard = of(path);
        let full = format!("{WELL_KNOWN}{path}");
        assert_eq!(
            metadata_routes::<(), 1>([&guard]).map(drop),
            Err(ConfigError::UnroutablePath(full.into()))
        );
    }
    // A brace is no character of a URI, so no path can look like a parameter.
    let brace = "https://mcp.example.com/{x}".parse::<Resource>();
    assert_eq!(brace, Err(IdentifierError::NotAbsolute));
}

/// RS-034
#[tokio::test]
async fn a_query_is_kept_and_a_fragment_refused() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let of =
        |query: &str| build(unbuilt(&format!("{E}{query}"), &clock).issuer(issuer.id().clone()));
    let (seven, eight, none) = (of("?tenant=7"), of("?tenant=8"), of(""));
    assert_eq!(seven.resource().metadata_url(), format!("{M}?tenant=7"));
    let site = Site::of([("/7", &seven), ("/8", &eight)]).await;
    for (query, path) in [("?tenant=7", "/7"), ("?tenant=8", "/8")] {
        let document = site.document(&format!("{M_PATH}{query}")).await;
        assert_eq!(document["resource"], format!("{E}{query}"));
        let refused = site.get(path).await;
        let challenge = bearer_challenge(refused.header("www-authenticate").expect("a challenge"));
        let address = format!("{M}{query}");
        assert_eq!(challenge.get("resource_metadata"), Some(address.as_str()));
        let token = issuer.token().audience(format!("{E}{query}")).mint();
        site.with(path, &token).await.assert_ok();
    }
    for target in [
        M_PATH.to_owned(),
        format!("{M_PATH}?"),
        format!("{M_PATH}?tenant=9"),
        format!("{M_PATH}?tenant=7&tenant=8"),
        format!("{M_PATH}?tenant=77"),
        format!("{M_PATH}?TENANT=7"),
    ] {
        assert_eq!(site.get(&target).await.status, 404, "{target}");
    }
    // A token of one is none for the other, and none for the resource without a query.
    let token = issuer.token().audience(format!("{E}?tenant=7")).mint();
    assert_eq!(site.with("/8", &token).await.status, 401);
    assert_eq!(site.with("/7", &issuer.token().mint()).await.status, 401);

    // All three live at one path.
    let site = Site::of([("/7", &seven), ("/8", &eight), ("/0", &none)]).await;
    assert_eq!(site.document(M_PATH).await["resource"], E);
    let document = site.document(&format!("{M_PATH}?tenant=8")).await;
    assert_eq!(document["resource"], format!("{E}?tenant=8"));

    for text in [
        "https://mcp.example.com/mcp#x",
        "https://mcp.example.com/mcp#",
        "https://mcp.example.com#x",
    ] {
        assert_eq!(
            text.parse::<Resource>(),
            Err(IdentifierError::Fragment),
            "{text}"
        );
    }
}

/// RS-034: the slash that directly follows the host is dropped before a query, too.
#[tokio::test]
async fn a_query_directly_after_the_host() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    for resource in [
        "https://mcp.example.com/?x=1",
        "https://mcp.example.com?x=1",
    ] {
        let guard = build(unbuilt(resource, &clock).issuer(issuer.id().clone()));
        let site = Site::of([("/mcp", &guard)]).await;
        let document = site.document(&format!("{WELL_KNOWN}?x=1")).await;
        assert_eq!(document["resource"], resource);
        assert_eq!(site.get(WELL_KNOWN).await.status, 404);
    }
}

/// RS-035
#[tokio::test]
async fn resources_on_one_host_do_not_answer_for_one_another() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let of = |path: &str| {
        let resource = format!("https://mcp.example.com{path}");
        build(unbuilt(&resource, &clock).issuer(issuer.id().clone()))
    };
    let (a, b) = (of("/a/mcp"), of("/b/mcp"));
    let site = Site::of([("/a/mcp", &a), ("/b/mcp", &b)]).await;
    for (own, other) in [("/a/mcp", "/b/mcp"), ("/b/mcp", "/a/mcp")] {
        let document = site.document(&format!("{WELL_KNOWN}{own}")).await;
        assert_eq!(
            document["resource"],
            format!("https://mcp.example.com{own}")
        );
        assert!(!document.to_string().contains(other));
        let token = issuer
            .token()
            .audience(format!("https://mcp.example.com{own}"))
            .mint();
        let answer = site.with(own, &token).await;
        answer.assert_ok();
        assert_eq!(answer.body, format!("https://mcp.example.com{own}"));
        let refused = site.with(other, &token).await;
        assert_eq!(refused.status, 401);
        let challenge = bearer_challenge(refused.header("www-authenticate").expect("a challenge"));
        assert_eq!(challenge.get("error"), Some("invalid_token"));
        let address = format!("https://mcp.example.com{WELL_KNOWN}{other}");
        assert_eq!(challenge.get("resource_metadata"), Some(address.as_str()));
        refused.assert_silent_about(&token);
    }
    for path in ["", "/", "/a", "/mcp", "/a/mcp/b/mcp"] {
        let answer = site.get(&format!("{WELL_KNOWN}{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

/// RS-035: two that could not be told apart are refused before anything is served.
#[tokio::test]
async fn two_resources_at_one_address_are_refused() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let of = |resource: &str| build(unbuilt(resource, &clock).issuer(issuer.id().clone()));
    for (one, other, path) in [
        (E, E, M_PATH),
        // A router does not look at hosts.
        (E, "https://other.example.com/mcp", M_PATH),
        (
            "https://mcp.example.com",
            "https://mcp.example.com/",
            WELL_KNOWN,
        ),
        (
            "https://mcp.example.com/mcp?t=1",
            "https://other.example.com/mcp?t=1",
            "/.well-known/oauth-protected-resource/mcp?t=1",
        ),
    ] {
        let (one, other) = (of(one), of(other));
        let routes = metadata_routes::<(), 2>([&one, &other]);
        assert_eq!(
            routes.map(drop).expect_err(path),
            ConfigError::MetadataPath(path.into())
        );
    }
    let alias = |resource: &str| {
        build(
            unbuilt(resource, &clock)
                .issuer(issuer.id().clone())
                .root_alias(),
        )
    };
    let (one, other) = (alias(E), alias("https://mcp.example.com/other"));
    assert_eq!(
        metadata_routes::<(), 2>([&one, &other]).map(drop),
        Err(ConfigError::MetadataPath(WELL_KNOWN.into()))
    );
    assert!(
        metadata_routes::<(), 1>([&one]).is_ok(),
        "one alone is fine"
    );
}

/// RS-036: there is always an authorization server (a guard without one does not compile:
/// `ui-tests/builder`), and each is an identifier as RFC 8414 section 2 wants it.
#[tokio::test]
async fn authorization_servers_are_issuer_identifiers() {
    for (text, error) in [
        ("http://as.example.com", IdentifierError::Scheme),
        ("http://192.168.0.1", IdentifierError::Scheme),
        ("http://localhost.example.com", IdentifierError::Scheme),
        ("ftp://as.example.com", IdentifierError::Scheme),
        ("https://as.example.com?x", IdentifierError::Query),
        ("https://as.example.com/?", IdentifierError::Query),
        ("https://as.example.com/t1?x=1", IdentifierError::Query),
        ("https://as.example.com#x", IdentifierError::Fragment),
        ("https://as.example.com/#", IdentifierError::Fragment),
        (
            "https://u:p@as.example.com",
            IdentifierError::UserInformation,
        ),
        ("as.example.com", IdentifierError::NotAbsolute),
        ("/t1", IdentifierError::NotAbsolute),
        ("", IdentifierError::NotAbsolute),
        ("https://", IdentifierError::NotAbsolute),
        (" https://as.example.com", IdentifierError::NotAbsolute),
        ("https://as.example.com\n", IdentifierError::NotAbsolute),
    ] {
        assert_eq!(text.parse::<id::Issuer>(), Err(error), "{text:?}");
    }
    let clock = support::clock();
    let keys = support::issuer(&clock).await.jwks();
    let trusted = |text: &str| {
        let keys = FixedKeys::from_json(&keys);
        TrustedIssuer::with_keys(text.parse().expect("an issuer"), keys)
    };
    let one = "https://as.example.com";
    let two = "https://as2.example.com/t1";
    let guard = build(unbuilt(E, &clock).trusted_issuer(trusted(one)));
    let document = Site::of([("/mcp", &guard)]).await.document(M_PATH).await;
    assert_eq!(document["authorization_servers"], json!([one]));
    let guard = build(
        unbuilt(E, &clock)
            .trusted_issuer(trusted(one))
            .trusted_issuer(trusted(two)),
    );
    let document = Site::of([("/mcp", &guard)]).await.document(M_PATH).await;
    assert_eq!(document["authorization_servers"], json!([one, two]));
    // Named twice, two sets of rules would compete.
    let twice = unbuilt(E, &clock)
        .trusted_issuer(trusted(one))
        .trusted_issuer(trusted(one))
        .build();
    let id = one.parse().expect("an issuer");
    assert_eq!(twice.map(drop), Err(ConfigError::RepeatedIssuer(id)));
}

/// RS-037
#[tokio::test]
async fn advertised_and_accepted_issuers_are_the_same() {
    let clock = support::clock();
    let issuer = async |path: &str| {
        Issuer::builder(support::resource())
            .clock(Arc::new(clock.clone()))
            .path(path)
            .start()
            .await
            .expect("an issuer")
    };
    let all = [
        issuer("").await,
        issuer("/t1").await,
        issuer("/t2").await,
        issuer("/").await,
    ];
    // Every choice of trusted issuers but the empty one, which does not compile.
    for choice in 1_u8..16 {
        let trusted: Vec<bool> = (0..all.len()).map(|bit| choice & (1 << bit) != 0).collect();
        let mut builder: Option<GuardBuilder<Fixture, Ready>> = None;
        for (issuer, _) in all.iter().zip(&trusted).filter(|(_, trusted)| **trusted) {
            let id = issuer.id().clone();
            builder = Some(match builder {
                None => unbuilt(E, &clock).issuer(id),
                Some(builder) => builder.issuer(id),
            });
        }
        let guard = build(builder.expect("one issuer"));
        let site = Site::of([("/mcp", &guard)]).await;
        let document = site.document(M_PATH).await;
        let listed = document["authorization_servers"]
            .as_array()
            .expect("a list");
        for (issuer, trusted) in all.iter().zip(&trusted) {
            let token = issuer.token().mint();
            let answer = site.with("/mcp", &token).await;
            let is_listed = listed.contains(&json!(issuer.id().as_str()));
            assert_eq!(is_listed, *trusted);
            assert_eq!(answer.status, if is_listed { 200 } else { 401 });
            answer.assert_silent_about(&token);
            // What looks like one of the trusted ones is not listed and not accepted.
            let near = format!("{}/", issuer.id());
            let token = issuer.token().claim("iss", near.as_str()).mint();
            let is_listed = listed.contains(&json!(near));
            assert!(!is_listed);
            assert_eq!(site.with("/mcp", &token).await.status, 401);
        }
        assert_eq!(listed.len(), guard.issuers().count());
    }
}

/// RS-038
#[tokio::test]
async fn empty_members_are_left_out() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let id = issuer.id().clone();
    let none = build(unbuilt(E, &clock).issuer(id.clone()));
    let empty = build(unbuilt(E, &clock).issuer(id).baseline::<()>());
    for guard in [none, empty] {
        let document = Site::of([("/mcp", &guard)]).await.document(M_PATH).await;
        let members: Vec<&String> = document.as_object().expect("an object").keys().collect();
        assert_eq!(
            members,
            [
                "authorization_servers",
                "bearer_methods_supported",
                "resource"
            ]
        );
    }
}

/// RS-039
#[tokio::test]
async fn the_document_lists_the_baseline_only() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let document = async |builder: GuardBuilder<Fixture, Ready>| {
        let guard = build(builder);
        Site::of([("/mcp", &guard)]).await.document(M_PATH).await
    };
    let server = support::server().await;
    let fixture = server.get_bare(M_PATH).await;
    let fixture: Value = serde_json::from_str(&fixture.body).expect("JSON");
    assert_eq!(fixture["scopes_supported"], json!(["mcp:tools.read"]));
    let builder = || unbuilt(E, &clock).issuer(issuer.id().clone());
    let listed = document(builder().baseline::<(FilesWrite, FilesRead)>()).await;
    assert_eq!(
        listed["scopes_supported"],
        json!(["files:write", "files:read"])
    );
    // What a scope includes is not listed with it.
    let listed = document(builder().baseline::<McpAdmin>()).await;
    assert_eq!(listed["scopes_supported"], json!(["mcp:admin"]));
    // The last word counts.
    let listed = document(builder().baseline::<ScopeA>().baseline::<ToolsRead>()).await;
    assert_eq!(listed["scopes_supported"], json!(["mcp:tools.read"]));
    // As clients must ask for it.
    let prefixed = TrustedIssuer::new(issuer.id().clone()).scope_prefix("api://files/");
    let builder = unbuilt(E, &clock).trusted_issuer(prefixed);
    let listed = document(builder.baseline::<ToolsRead>()).await;
    assert_eq!(
        listed["scopes_supported"],
        json!(["api://files/mcp:tools.read"])
    );
}

/// RS-040: no vocabulary can have `offline_access`, `openid`, `profile` or `email`, which is
/// decided while compiling (`ui-tests/scopes`). Here: a token that has them does not bring them
/// into a challenge, and no table of claim values can either.
#[tokio::test]
async fn scopes_of_the_authorization_server_are_never_named() {
    const RESERVED: [&str; 4] = ["offline_access", "openid", "profile", "email"];
    let server = support::server().await;
    let document = server.get_bare(M_PATH).await;
    let token = server.issuer.token().scope(&RESERVED.join(" ")).mint();
    let refused = server.get("/delete", &token).await;
    refused.assert_403("files:read files:write");
    let none = server.get_bare("/delete").await;
    for scope in RESERVED {
        for answer in [&document, &refused, &none] {
            assert!(!format!("{answer:?}").contains(scope), "{scope}");
        }
        let issuer = TrustedIssuer::new(server.issuer.id().clone())
            .scopes_from_claim(&["roles"], &[("user", scope)]);
        let guard = support::with_rules(issuer, &server.clock).build();
        assert_eq!(
            guard.map(drop),
            Err(ConfigError::UnknownScope(scope.into()))
        );
    }
    assert_eq!(server.ran(), 0);
}

/// RS-041
#[tokio::test]
async fn members_mean_what_the_rfc_says() {
    let server = support::server().await;
    let answer = server.get_bare(M_PATH).await;
    let document: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(
        document,
        json!({
            "resource": E,
            "authorization_servers": [server.issuer.id().as_str()],
            "scopes_supported": ["mcp:tools.read"],
            "bearer_methods_supported": ["header"],
        })
    );
    assert!(!answer.body.contains("jwks"));
}

/// RS-042
#[tokio::test]
async fn the_root_document_is_there_only_for_the_origin_as_a_resource() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let origin = "https://mcp.example.com";
    let for_origin = issuer.token().audience(origin).mint();

    let guard = build(unbuilt(E, &clock).issuer(issuer.id().clone()));
    let site = Site::of([("/mcp", &guard)]).await;
    assert_eq!(site.get(WELL_KNOWN).await.status, 404);
    assert_eq!(site.with("/mcp", &for_origin).await.status, 401);
    site.with("/mcp", &issuer.token().mint()).await.assert_ok();

    let guard = build(unbuilt(E, &clock).issuer(issuer.id().clone()).root_alias());
    let site = Site::of([("/mcp", &guard)]).await;
    assert_eq!(site.document(WELL_KNOWN).await["resource"], origin);
    assert_eq!(site.document(M_PATH).await["resource"], E);
    let answer = site.with("/mcp", &for_origin).await;
    answer.assert_ok();
    site.with("/mcp", &issuer.token().mint()).await.assert_ok();
    for other in [
        "https://mcp.example.com/",
        "https://mcp.example.com/other",
        "https://mcp.example.com:443",
        "https://mcp.example.com.evil.com",
    ] {
        let token = issuer.token().audience(other).mint();
        let answer = site.with("/mcp", &token).await;
        assert_eq!(answer.status, 401, "{other}");
        // The challenge names the resource, not its alias.
        let challenge = bearer_challenge(answer.header("www-authenticate").expect("a challenge"));
        assert_eq!(challenge.get("resource_metadata"), Some(M));
    }

    // The origin as the resource itself.
    let guard = build(unbuilt(origin, &clock).issuer(issuer.id().clone()));
    let site = Site::of([("/mcp", &guard)]).await;
    assert_eq!(site.document(WELL_KNOWN).await["resource"], origin);
    site.with("/mcp", &for_origin).await.assert_ok();
}

/// RS-042: where the resource is the origin already, an alias adds nothing and harms nothing.
#[tokio::test]
async fn an_alias_of_the_origin_itself_adds_nothing() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let origin = "https://mcp.example.com";
    let guard = build(
        unbuilt(origin, &clock)
            .issuer(issuer.id().clone())
            .root_alias(),
    );
    let site = Site::of([("/mcp", &guard)]).await;
    assert_eq!(site.document(WELL_KNOWN).await["resource"], origin);
}

/// RS-043
#[tokio::test]
async fn the_document_answers_get_and_head_and_nothing_else() {
    let server = support::server().await;
    let send = async |method: &str, lines: &[&str]| {
        server
            .raw(&request(&format!("{method} {M_PATH}"), lines))
            .await
    };
    let get = send("GET", &[]).await;
    let head = send("HEAD", &[]).await;
    for answer in [&get, &head] {
        answer.assert_ok();
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let cache = answer.header("cache-control").expect("a lifetime");
        let seconds = cache
            .strip_prefix("public, max-age=")
            .expect("a lifetime")
            .parse::<u32>()
            .expect("whole seconds");
        assert!((1..=3600).contains(&seconds), "{cache}");
    }
    assert_eq!(get.headers, head.headers);
    assert!(!get.body.is_empty());
    assert_eq!(head.body, "");
    // From any origin, and without a cookie.
    let cross = send("GET", &["origin: https://evil.example", "cookie: a=b"]).await;
    assert_eq!(cross, get);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let answer = send(method, &[]).await;
        assert_eq!(answer.status, 405, "{method}");
        let allowed = answer.header("allow").expect("Allow");
        let mut allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "HEAD"]);
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

/// RS-033, RS-036: identifiers are kept as they are or refused, for any text.
#[test]
fn identifiers_are_kept_as_text_or_refused() {
    proptest!(|(text in "(https?|HTTPS|ftp)://[a-zA-Z0-9.:@\\[\\]_-]{0,12}(/[!-~\u{e4} ]{0,10})?(\\?[a-z=&]{0,4})?(#x)?")| {
        let query = text.split_once('?').map(|(_, query)| query);
        if let Ok(resource) = text.parse::<Resource>() {
            let address = resource.metadata_url();
            prop_assert_eq!(resource.as_str(), text.as_str());
            prop_assert!(address.contains(WELL_KNOWN));
            prop_assert!(!text.contains('#'));
            prop_assert_eq!(address.split_once('?').map(|(_, query)| query), query);
        }
        if let Ok(issuer) = text.parse::<id::Issuer>() {
            prop_assert_eq!(issuer.as_str(), text.as_str());
            prop_assert!(!text.contains('#') && query.is_none());
        }
    });
}
