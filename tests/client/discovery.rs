//! The metadata of the endpoint: where it is looked for, and what it has to say.

use clearance::client::{Challenge, DiscoveryError, IssuerChoice};
use clearance::credentials::{ClientAuthentication, ClientSecret};
use http::header::{AUTHORIZATION, COOKIE};
use proptest::prelude::*;
use serde_json::json;

use super::support::{M, MockServer, R, REDIRECT, Reply, World, browse, challenge};

const WELL_KNOWN: &str = "as GET /.well-known/oauth-authorization-server";

/// The codes of what goes wrong, and that nobody was asked for a token after it.
async fn aborts(world: &World, challenge: &Challenge, code: &str) {
    let client = world.client();
    let error = client.discover(challenge).await.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let last = world.log.all().pop();
    assert!(last.is_none_or(|seen| seen.path.starts_with("/.well-known") || seen.at == "mcp"));
}

/// CL-002
#[tokio::test]
async fn the_document_that_the_challenge_names_is_the_first_and_only_one() {
    let world = World::start().await;
    world.mcp.forgets(&format!("GET {M}"));
    let said = world.said();
    world
        .mcp
        .on("GET /custom/p.json", move |_| Reply::json(200, &said));
    let value = format!(
        "Bearer resource_metadata=\"{}/custom/p.json\"",
        world.mcp.origin
    );
    let discovered = world.client().discover(&challenge(&value)).await.unwrap();
    assert_eq!(discovered.issuer().as_str(), world.server.issuer);
    assert_eq!(world.log.lines(), ["mcp GET /custom/p.json", WELL_KNOWN]);
}

/// CL-003
#[tokio::test]
async fn well_known_places_are_asked_once_each_and_in_order() {
    let world = World::start().await;
    drop(world.discover().await.unwrap());
    assert_eq!(world.log.lines(), [&format!("mcp GET {M}"), WELL_KNOWN]);
    world.log.take();
    world.mcp.lacks(M).lacks(R);
    aborts(&world, &Challenge::default(), "no_metadata").await;
    assert_eq!(
        world.log.lines(),
        [format!("mcp GET {M}"), format!("mcp GET {R}")]
    );
}

/// CL-003: the endpoint is the origin.
#[tokio::test]
async fn an_endpoint_at_the_root_has_one_place() {
    for path in ["", "/"] {
        let world = World::start().await;
        world.mcp.lacks(R);
        let endpoint = format!("{}{path}", world.mcp.origin);
        let client = clearance::client::Client::builder(endpoint.parse().unwrap());
        let found = client
            .build()
            .unwrap()
            .discover(&Challenge::default())
            .await;
        assert_eq!(found.unwrap_err(), DiscoveryError::NoMetadata);
        assert_eq!(world.log.lines(), [format!("mcp GET {R}")]);
    }
}

/// CL-004
#[tokio::test]
async fn what_is_not_there_is_looked_for_elsewhere_and_what_is_broken_is_not() {
    let world = World::start().await;
    world.mcp.gives(&format!("GET {M}"), Reply::status(503));
    let error = world.discover().await.unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.code(), "unavailable");
    assert_eq!(world.log.lines(), [format!("mcp GET {M}")]);
    // The same for the issuer.
    for status in [500, 502, 408, 429] {
        let world = World::start().await;
        let path = "GET /.well-known/oauth-authorization-server";
        world.server.site.gives(path, Reply::status(status));
        assert!(world.discover().await.unwrap_err().is_temporary());
    }
    for status in [400, 401, 403, 404, 410] {
        let world = World::start().await;
        world
            .mcp
            .gives(&format!("GET {M}"), Reply::status(status))
            .lacks(R);
        aborts(&world, &Challenge::default(), "no_metadata").await;
    }
    // What a challenge names is not looked for elsewhere.
    let world = World::start().await;
    world.mcp.lacks("/custom");
    let value = format!("Bearer resource_metadata=\"{}/custom\"", world.mcp.origin);
    aborts(&world, &challenge(&value), "metadata_unavailable").await;
    assert_eq!(world.log.lines(), ["mcp GET /custom"]);
}

/// CL-005
#[tokio::test]
async fn an_answer_without_a_challenge_starts_discovery() {
    let world = World::start().await;
    let challenge = Challenge::from_headers(&http::HeaderMap::new());
    assert!(world.client().discover(&challenge).await.is_ok());
    assert_eq!(world.log.lines(), [&format!("mcp GET {M}"), WELL_KNOWN]);
}

/// CL-006
#[tokio::test]
async fn documents_are_asked_for_without_any_credential() {
    let world = World::start().await;
    let client = world.client();
    let tokens = world.tokens_of(&client).await;
    assert!(tokens.authorization_for(&world.endpoint).is_ok());
    drop(client.discover(&Challenge::default()).await.unwrap());
    for seen in world.log.all() {
        assert_eq!(seen.header(AUTHORIZATION), None);
        assert_eq!(seen.header(COOKIE), None);
        assert!(!seen.headers.contains_key("dpop"));
    }
}

/// CL-007, CL-034
#[tokio::test]
async fn another_authorization_server_is_noticed_and_told_nothing_of_the_first() {
    let world = World::start().await;
    let second = MockServer::start(&world.log, "as2", "/t1").await;
    let client = world.client();
    let tokens = world.tokens_of(&client).await;
    let first_client = tokens.registration().client().as_str().to_owned();
    second.state().registration = json!({"client_id": "of-the-second"});
    world.says("authorization_servers", json!([second.issuer]));
    world.log.take();
    let tokens = world.tokens_of(&client).await;
    assert_eq!(tokens.issuer().as_str(), second.issuer);
    let lines = world.log.lines();
    assert_eq!(lines[0], format!("mcp GET {M}"));
    assert_eq!(
        lines[1],
        "as2 GET /.well-known/oauth-authorization-server/t1"
    );
    assert_eq!(lines[2], "as2 POST /register");
    for seen in world.log.all() {
        assert!(seen.at != "as");
        assert!(!seen.line().contains(&first_client) && !seen.body.contains(&first_client));
    }
}

/// CL-008
#[tokio::test]
async fn a_challenge_names_no_foreign_place() {
    let world = World::start().await;
    let origin = &world.mcp.origin;
    let with_user = origin.replace("http://", "http://user@");
    for url in [
        "http://mcp.example.com/p",
        "https://other.example/p",
        "file:///etc/passwd",
        "data:application/json,{}",
        &format!("{with_user}/p"),
        &format!("{origin}.example.com/p"),
        &format!("{origin}/p#fragment"),
        "/p",
        "",
    ] {
        let value = format!("Bearer resource_metadata=\"{url}\"");
        aborts(&world, &challenge(&value), "untrusted_url").await;
    }
    assert!(world.log.all().is_empty());
    // Unless the application wants it.
    let other = MockServer::start(&world.log, "other", "").await;
    let said = world.said();
    other.site.on("GET /p", move |_| Reply::json(200, &said));
    let value = format!("Bearer resource_metadata=\"{}/p\"", other.site.origin);
    let client = world
        .builder()
        .allow_metadata_on_other_origins()
        .build()
        .unwrap();
    assert!(client.discover(&challenge(&value)).await.is_ok());
    let value = "Bearer resource_metadata=\"http://mcp.example.com/p\"";
    let error = client.discover(&challenge(value)).await.unwrap_err();
    assert_eq!(error, DiscoveryError::UntrustedUrl);
}

/// CL-009
#[tokio::test]
async fn what_was_so_in_2025_03_26_is_so_only_where_it_is_wanted() {
    let world = World::start().await;
    let issuer = world.server.issuer.clone();
    world.mcp.lacks(M).lacks(R);
    aborts(&world, &Challenge::default(), "no_metadata").await;
    world.log.take();
    // The endpoint's origin has metadata of an authorization server.
    let origin = world.mcp.origin.clone();
    world.server.says("issuer", json!(origin));
    world.server.state().iss = Some(origin.clone());
    let said = world.server.state().metadata.clone();
    let place = "/.well-known/oauth-authorization-server";
    world
        .mcp
        .on(&format!("GET {place}"), move |_| Reply::json(200, &said));
    let client = world.builder().legacy_2025_03_26().build().unwrap();
    let tokens = world.tokens_of(&client).await;
    assert_eq!(tokens.issuer().as_str(), origin);
    assert_ne!(tokens.issuer().as_str(), issuer);
    let token = world.log.to("/token").pop().unwrap();
    assert_eq!(token.one("resource"), Some(world.endpoint.clone()));
    // It has none: its endpoints are guessed, and PKCE is there as ever.
    world.log.take();
    world
        .mcp
        .lacks(place)
        .lacks("/.well-known/openid-configuration");
    let authorize = world.server.site.origin.clone() + "/authorize";
    world.mcp.on("GET /authorize", move |seen| {
        Reply::redirect(302, &format!("{authorize}?{}", seen.query))
    });
    world.mcp.gives(
        "POST /register",
        Reply::json(201, &json!({"client_id": "c"})),
    );
    let token = json!({"access_token": "t", "token_type": "bearer"});
    world.mcp.gives("POST /token", Reply::json(200, &token));
    let client = world.builder().legacy_2025_03_26().build().unwrap();
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    assert_eq!(discovered.choice(), IssuerChoice::Legacy);
    let registered = discovered
        .register(REDIRECT.parse().unwrap())
        .await
        .unwrap();
    let awaiting = registered.authorize().unwrap();
    assert!(awaiting.url().starts_with(&format!("{origin}/authorize?")));
    assert!(awaiting.url().contains("code_challenge_method=S256"));
    let onwards = super::support::location(awaiting.url()).await;
    awaiting.redirected(&browse(&onwards).await).await.unwrap();
    let token = world.log.to("/token").pop().unwrap();
    assert_eq!(
        (token.at, token.one("code_verifier").unwrap().len()),
        ("mcp", 43)
    );
}

/// CL-010
#[tokio::test]
async fn metadata_of_a_challenge_are_about_the_endpoint() {
    let world = World::start().await;
    let value = format!("Bearer resource_metadata=\"{}{M}\"", world.mcp.origin);
    let challenge = challenge(&value);
    assert!(world.client().discover(&challenge).await.is_ok());
    let endpoint = world.endpoint.clone();
    for resource in [
        json!("https://evil.example.com/mcp"),
        json!(format!("{endpoint}/")),
        json!(world.mcp.origin),
        json!(endpoint.to_uppercase()),
        json!([endpoint]),
        json!(""),
        json!(null),
    ] {
        world.says("resource", resource);
        aborts(&world, &challenge, "resource_mismatch").await;
    }
}

/// CL-011, CL-040
#[tokio::test]
async fn metadata_at_the_root_are_about_the_origin() {
    let world = World::start().await;
    world.mcp.lacks(M);
    let said = world.said();
    world
        .mcp
        .on(&format!("GET {R}"), move |_| Reply::json(200, &said));
    aborts(&world, &Challenge::default(), "resource_mismatch").await;
    let mut said = world.said();
    said["resource"] = json!(world.mcp.origin);
    world
        .mcp
        .on(&format!("GET {R}"), move |_| Reply::json(200, &said));
    let tokens = world.tokens_of(&world.client()).await;
    assert_eq!(tokens.resource().as_str(), world.mcp.origin);
    // No slash is added, and the token is for the endpoint all the same.
    for path in ["/authorize", "/token"] {
        let seen = world.log.to(path).pop().unwrap();
        assert_eq!(seen.one("resource"), Some(world.mcp.origin.clone()));
    }
    assert!(tokens.authorization_for(&world.endpoint).is_ok());
    assert!(tokens.authorization_for(&world.mcp.origin).is_err());
}

/// CL-012
#[tokio::test]
async fn a_parent_of_the_endpoint_is_accepted_only_where_it_is_wanted() {
    let world = World::start().await;
    let origin = world.mcp.origin.clone();
    world.says("resource", json!(origin));
    aborts(&world, &Challenge::default(), "resource_mismatch").await;
    let client = world.builder().accept_parent_resource().build().unwrap();
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    assert_eq!(discovered.resource().as_str(), origin);
    world.says("resource", json!(format!("{origin}/")));
    assert!(client.discover(&Challenge::default()).await.is_ok());
    for other in [
        format!("{origin}/m"),
        format!("{origin}/mcp/more"),
        format!("{origin}.example"),
        origin.replace("http:", "https:"),
        "http:".to_owned(),
        "http://127.0.0.1".to_owned(),
        String::new(),
    ] {
        world.says("resource", json!(other));
        let error = client.discover(&Challenge::default()).await.unwrap_err();
        assert_eq!(error, DiscoveryError::ResourceMismatch, "{other}");
    }
}

/// CL-014
#[tokio::test]
async fn a_document_is_one_small_object() {
    let world = World::start().await;
    let own = world.said().to_string();
    let twice = own.replacen('{', "{\"resource\":\"https://evil.example.com/mcp\",", 1);
    let long = own.replacen('{', &format!("{{\"x\":\"{}\",", "y".repeat(1 << 20)), 1);
    for body in [
        long.as_str(),
        twice.as_str(),
        "<html></html>",
        "[]",
        "",
        &format!("[{own}]"),
        &format!("{own}{own}"),
    ] {
        world.mcp.gives(&format!("GET {M}"), Reply::text(200, body));
        aborts(&world, &Challenge::default(), "malformed_metadata").await;
    }
    for status in [201, 204, 304] {
        world
            .mcp
            .gives(&format!("GET {M}"), Reply::text(status, &own));
        assert!(world.discover().await.is_err());
    }
    // Redirects within the origin are followed, a few.
    world
        .mcp
        .gives(&format!("GET {M}"), Reply::redirect(302, "/moved"));
    world.mcp.gives("GET /moved", Reply::text(200, &own));
    assert!(world.discover().await.is_ok());
    world
        .mcp
        .gives("GET /moved", Reply::redirect(302, "/moved"));
    aborts(&world, &Challenge::default(), "redirected_elsewhere").await;
    world.log.take();
    let elsewhere = format!("{}/p", world.server.site.origin);
    world
        .mcp
        .gives(&format!("GET {M}"), Reply::redirect(307, &elsewhere));
    aborts(&world, &Challenge::default(), "redirected_elsewhere").await;
    assert_eq!(world.log.lines(), [format!("mcp GET {M}")]);
}

/// CL-015
#[tokio::test]
async fn issuers_that_cannot_be_used_are_not() {
    let world = World::start().await;
    let good = world.server.issuer.clone();
    for issuers in [
        json!([]),
        json!(null),
        json!("https://as.example.com"),
        json!(["ftp://x"]),
        json!([
            "http://as.example.com",
            "https://as.example.com?x=1",
            "https://as.example.com#x"
        ]),
        json!(["https://user@as.example.com", "as.example.com", 7, null]),
    ] {
        world.says("authorization_servers", issuers);
        aborts(&world, &Challenge::default(), "no_authorization_server").await;
    }
    world.says("authorization_servers", json!(["ftp://x", 7, good]));
    assert_eq!(world.discover().await.unwrap().issuer().as_str(), good);
}

/// CL-016
#[tokio::test]
async fn the_choice_of_an_issuer_is_told() {
    let world = World::start().await;
    let second = MockServer::start(&world.log, "as2", "/t1").await;
    let both = [world.server.issuer.clone(), second.issuer.clone()];
    world.says("authorization_servers", json!(both));
    let discovered = world.discover().await.unwrap();
    assert_eq!(discovered.issuer().as_str(), both[0]);
    assert_eq!(discovered.choice(), IssuerChoice::First);
    // One where the client is registered.
    let secret = || ClientAuthentication::client_secret_basic("c", ClientSecret::new("s"));
    let issuer = |text: &String| text.parse().unwrap();
    let client = world.builder().pre_registered(issuer(&both[1]), secret());
    let client = client.build().unwrap();
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    assert_eq!(discovered.issuer().as_str(), both[1]);
    assert_eq!(discovered.choice(), IssuerChoice::Registered);
    // Or was before.
    let client = world.client();
    world.says("authorization_servers", json!([both[1]]));
    let registered = world.registered_as(&client).await;
    world.says("authorization_servers", json!(both));
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    assert_eq!(discovered.issuer(), registered.registration().issuer());
    // One that is allowed comes before one that is known.
    let client = world
        .builder()
        .pre_registered(issuer(&both[1]), secret())
        .allow_issuer(issuer(&both[0]))
        .build()
        .unwrap();
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    assert_eq!(discovered.issuer().as_str(), both[0]);
    let other = "https://as.example.com".parse().unwrap();
    let client = world.builder().allow_issuer(other).build().unwrap();
    let error = client.discover(&Challenge::default()).await.unwrap_err();
    assert_eq!(error, DiscoveryError::IssuerNotAllowed);
}

/// CL-017
#[tokio::test]
async fn what_the_client_cannot_do_stops_it() {
    let world = World::start().await;
    for (name, value) in [
        ("bearer_methods_supported", json!(["body", "query"])),
        ("bearer_methods_supported", json!([])),
        ("dpop_bound_access_tokens_required", json!(true)),
    ] {
        world.says(name, value);
        aborts(&world, &Challenge::default(), "unsupported").await;
        world.says(name, json!(null));
    }
    world.says("bearer_methods_supported", json!(["query", "header"]));
    world.says("dpop_bound_access_tokens_required", json!(false));
    assert!(world.discover().await.is_ok());
}

/// CL-018, CL-065, CL-066
#[tokio::test]
async fn scopes_come_from_the_challenge_or_else_from_the_resource() {
    let world = World::start().await;
    world
        .server
        .says("scopes_supported", json!(["of:the-server"]));
    let asked = async |value: &str, supported: serde_json::Value| {
        world.says("scopes_supported", supported);
        let discovered = world.client().discover(&challenge(value)).await.unwrap();
        let registered = discovered
            .register(REDIRECT.parse().unwrap())
            .await
            .unwrap();
        browse(registered.authorize().unwrap().url()).await;
        world.log.to("/authorize").pop().unwrap().one("scope")
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        asked("Bearer scope=\"a b\"", json!(["x"])).await,
        some("a b")
    );
    assert_eq!(
        asked("Bearer scope=\"\"", json!(["x", "y"])).await,
        some("x y")
    );
    assert_eq!(asked("Bearer", json!(["x", "y"])).await, some("x y"));
    assert_eq!(asked("Bearer", json!([])).await, None);
    assert_eq!(asked("Bearer", json!(null)).await, None);
    assert_eq!(asked("Bearer", json!("x")).await, None);
}

/// The text, changed in ways that normalization would undo.
fn disguised() -> impl Strategy<Value = (String, String)> {
    let host = "[a-z]{1,8}\\.example\\.com";
    let path = "(/[a-z]{1,5}){0,3}";
    (host, path, 0..6_usize).prop_map(|(host, path, way)| {
        let own = format!("https://{host}{path}");
        let other = match way {
            0 => format!("HTTPS://{host}{path}"),
            1 => format!("https://{}{path}", host.to_uppercase()),
            2 => format!("https://{host}:443{path}"),
            3 => format!("https://{host}{path}/"),
            4 => format!("https://{host}/.{path}"),
            _ => format!("https://{host}{path}?"),
        };
        (own, other)
    })
}

proptest! {
    /// CL-013
    #[test]
    fn identifiers_are_what_is_written((own, other) in disguised()) {
        let issuer = own.parse::<clearance::id::Issuer>().unwrap();
        prop_assert_ne!(Some(issuer), other.parse::<clearance::id::Issuer>().ok());
        let resource = own.parse::<clearance::id::Resource>().unwrap();
        prop_assert_ne!(Some(resource), other.parse::<clearance::id::Resource>().ok());
    }
}

/// CL-013: also where documents name them.
#[tokio::test]
async fn what_is_the_same_after_normalization_is_another_name() {
    let world = World::start().await;
    let endpoint = world.endpoint.clone();
    for other in [
        endpoint.replace("http", "HTTP"),
        endpoint.replace("/mcp", "/./mcp"),
        endpoint.replace("/mcp", "/%6Dcp"),
        endpoint.replace("127.0.0.1", "127.1"),
        format!("{endpoint}?"),
        format!("{endpoint}#"),
    ] {
        world.says("resource", json!(other));
        aborts(&world, &Challenge::default(), "resource_mismatch").await;
    }
}
