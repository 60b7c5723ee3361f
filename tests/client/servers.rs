//! The metadata of authorization servers.

use chrono::TimeDelta;
use clearance::client::{Challenge, DiscoveryError, RegistrationError};
use clearance::credentials::{ClientAuthentication, ClientSecret};
use serde_json::json;

use super::support::{REDIRECT, Reply, World};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OIDC: &str = "/.well-known/openid-configuration";

fn asked(world: &World) -> Vec<String> {
    let all = world.log.all();
    let of_server = all.into_iter().filter(|seen| seen.at == "as");
    of_server.map(|seen| seen.path).collect()
}

/// CL-019
#[tokio::test]
async fn an_issuer_with_a_path_has_three_places_and_not_the_root() {
    let world = World::with_issuer_path("/t1").await;
    let inserted = (format!("{OAUTH}/t1"), format!("{OIDC}/t1"));
    world.server.site.lacks(&inserted.0).lacks(&inserted.1);
    let appended = format!("/t1{OIDC}");
    world.server.site.lacks(&appended);
    let error = world.discover().await.unwrap_err();
    assert_eq!(error, DiscoveryError::NoServerMetadata);
    let places = [inserted.0, inserted.1, appended.clone()];
    assert_eq!(asked(&world), places);
    world.log.take();
    let said = world.server.state().metadata.clone();
    let reply = Reply::json(200, &said);
    world.server.site.gives(&format!("GET {appended}"), reply);
    assert!(world.discover().await.is_ok());
    assert_eq!(asked(&world), places);
}

/// CL-020
#[tokio::test]
async fn an_issuer_without_a_path_has_two_places() {
    let world = World::start().await;
    world.server.site.lacks(OAUTH);
    let said = world.server.state().metadata.clone();
    let reply = Reply::json(200, &said);
    world.server.site.gives(&format!("GET {OIDC}"), reply);
    assert!(world.discover().await.is_ok());
    assert_eq!(asked(&world), [OAUTH, OIDC]);
}

/// CL-021
#[tokio::test]
async fn metadata_in_the_name_of_another_are_not_used() {
    let world = World::start().await;
    let issuer = world.server.issuer.clone();
    for other in [
        json!("https://attacker.example.com"),
        json!(format!("{issuer}/")),
        json!(issuer.replace("http", "HTTP")),
        json!([issuer]),
        json!(null),
    ] {
        world.server.says("issuer", other);
        world.log.take();
        let error = world.discover().await.unwrap_err();
        assert_eq!(error, DiscoveryError::IssuerMismatch);
        assert_eq!(asked(&world), [OAUTH]);
    }
}

/// CL-022
#[tokio::test]
async fn endpoints_that_must_not_be_opened_stop_discovery() {
    let world = World::start().await;
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
    ] {
        let right = world.server.state().metadata[name].clone();
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "http://as.example.com/x",
            "https://as.example.com/x#fragment",
            "https://user:password@as.example.com/x",
            "https://169.254.169.254/x",
            "/x",
            "",
        ] {
            world.server.says(name, json!(url));
            let error = world.discover().await.unwrap_err();
            assert_eq!(error, DiscoveryError::UntrustedUrl, "{name} {url}");
        }
        world.server.says(name, json!(7));
        let error = world.discover().await.unwrap_err();
        assert_eq!(error, DiscoveryError::MalformedMetadata, "{name}");
        world.server.says(name, right);
    }
    assert!(world.discover().await.is_ok());
    assert!(asked(&world).iter().all(|path| path == OAUTH));
}

/// CL-023
#[tokio::test]
async fn without_a_promise_of_pkce_nobody_is_registered() {
    let world = World::start().await;
    for methods in [
        json!(null),
        json!(["plain"]),
        json!("S256"),
        json!([]),
        json!(["s256"]),
    ] {
        world
            .server
            .says("code_challenge_methods_supported", methods);
        let discovered = world.discover().await.unwrap();
        let error = discovered.register(REDIRECT.parse().unwrap()).await;
        assert_eq!(error.unwrap_err(), RegistrationError::PkceUnsupported);
    }
    world
        .server
        .says("code_challenge_methods_supported", json!(["plain", "S256"]));
    world
        .server
        .says("response_types_supported", json!(["token"]));
    let discovered = world.discover().await.unwrap();
    let error = discovered.register(REDIRECT.parse().unwrap()).await;
    assert_eq!(
        error.unwrap_err(),
        RegistrationError::NoAuthorizationEndpoint
    );
    assert!(asked(&world).iter().all(|path| path == OAUTH));
}

/// CL-024
#[tokio::test]
async fn machines_need_no_promise_of_pkce() {
    let world = World::start().await;
    world
        .server
        .says("code_challenge_methods_supported", json!(null));
    world.server.says("authorization_endpoint", json!(null));
    world.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_basic"]),
    );
    let secret = ClientAuthentication::client_secret_basic("c", ClientSecret::new("s"));
    let client = world
        .builder()
        .pre_registered(world.server.issuer.parse().unwrap(), secret);
    let discovered = client
        .build()
        .unwrap()
        .discover(&Challenge::default())
        .await
        .unwrap();
    assert!(discovered.client_credentials().await.is_ok());
}

/// CL-025
#[tokio::test]
async fn metadata_are_kept_a_while_for_their_issuer_alone() {
    let world = World::with_issuer_path("/t1").await;
    let client = world.client();
    for _ in 0..3 {
        drop(client.discover(&Challenge::default()).await.unwrap());
    }
    assert_eq!(asked(&world), [format!("{OAUTH}/t1")]);
    // Another issuer on the same host.
    let other = format!("{}/t2", world.server.site.origin);
    let mut said = world.server.state().metadata.clone();
    said["issuer"] = json!(other);
    let reply = Reply::json(200, &said);
    world.server.site.gives(&format!("GET {OAUTH}/t2"), reply);
    world.says("authorization_servers", json!([other]));
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    assert_eq!(discovered.issuer().as_str(), other);
    world.says("authorization_servers", json!([world.server.issuer]));
    drop(client.discover(&Challenge::default()).await.unwrap());
    assert_eq!(asked(&world).len(), 2);
    world.clock.advance(TimeDelta::minutes(5));
    drop(client.discover(&Challenge::default()).await.unwrap());
    assert_eq!(asked(&world).len(), 3);
}

/// CL-090: what a document names is at a public address, or on this machine as the endpoint is.
#[tokio::test]
async fn an_issuer_that_only_a_document_names_is_a_stranger() {
    let world = World::start().await;
    for issuer in [
        "https://169.254.169.254",
        "https://10.0.0.1",
        "https://[::ffff:10.0.0.1]",
        "https://[fd00::1]",
        "https://0x7f000001",
        "http://169.254.169.254",
        "http://192.168.0.1",
    ] {
        world.says("authorization_servers", json!([issuer]));
        let error = world.discover().await.unwrap_err();
        assert_eq!(error, DiscoveryError::NoAuthorizationServer, "{issuer}");
    }
    // A redirect into the network is not followed, from whoever it comes.
    world.says("authorization_servers", json!([world.server.issuer]));
    let inside = Reply::redirect(302, "http://169.254.169.254/latest");
    world.server.site.gives(&format!("GET {OAUTH}"), inside);
    let error = world.discover().await.unwrap_err();
    assert_eq!(error, DiscoveryError::RedirectedElsewhere);
}
