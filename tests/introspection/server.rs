//! Against a real authorization server.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::TimeDelta;
use clearance::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use clearance::jwk::Algorithm;
use clearance::lifecycle::Introspection;
use clearance::testing::{
    AuthorizationServer, AuthorizationServerBuilder, Fault, ManualClock, User,
};
use clearance::{Guard, TrustedIssuer};
use serde_json::json;

use crate::support::http::{ask, verdict};
use crate::support::{self, Fixture, McpAdmin, ToolsRead};

/// A server that gives out random text, before it is started.
fn opaque(clock: &ManualClock) -> AuthorizationServerBuilder {
    AuthorizationServer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .opaque_tokens()
        .public_client("editor", ["http://127.0.0.1/callback"])
        .client("mcp-server", "s3cret", "")
}

fn guard(
    server: &AuthorizationServer,
    by: ClientAuthentication,
    clock: &ManualClock,
) -> Guard<Fixture> {
    let rules = TrustedIssuer::introspected(server.id().clone(), Introspection::by(by));
    let guard = support::with_rules(rules, clock).unlimited();
    guard.build().expect("a guard")
}

fn by_secret(secret: &str) -> ClientAuthentication {
    ClientAuthentication::client_secret_basic("mcp-server", ClientSecret::new(secret))
}

fn asked(server: &AuthorizationServer) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.path() == "/introspect")
        .count()
}

/// RS-075, RS-076, RS-078: a token lives and dies as its server says.
#[tokio::test]
async fn a_token_lives_and_dies_as_its_server_says() {
    let clock = support::clock();
    let server = opaque(&clock).start().await.expect("a server");
    let guard = guard(&server, by_secret("s3cret"), &clock);
    guard.ready().await.expect("a place");
    let token = server
        .grant(User::Alice, "editor", "mcp:tools.read")
        .expect("a token");
    let proof = ask::<ToolsRead>(&guard, &token).await.expect("a proof");
    assert_eq!(proof.subject().as_str(), User::Alice.as_str());
    assert_eq!(proof.client().as_str(), "editor");
    let refusal = ask::<McpAdmin>(&guard, &token)
        .await
        .expect_err("no such scope");
    assert_eq!(refusal.reason().code().as_str(), "insufficient_scope");
    assert_eq!(asked(&server), 1);

    server.revoke_user(User::Alice);
    assert_eq!(verdict(&guard, &token).await, "ok");
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(verdict(&guard, &token).await, "inactive");

    let token = server
        .grant(User::Bob, "editor", "mcp:tools.read")
        .expect("a token");
    assert_eq!(verdict(&guard, &token).await, "ok");
    clock.advance(TimeDelta::minutes(10));
    assert_eq!(verdict(&guard, &token).await, "inactive", "expired there");
}

/// RS-076: a token for another resource of the same server is not one for this.
#[tokio::test]
async fn a_token_for_another_resource_is_refused() {
    let clock = support::clock();
    let elsewhere = "https://elsewhere.example/mcp".parse().expect("a resource");
    let server = AuthorizationServer::builder(elsewhere)
        .clock(Arc::new(clock.clone()))
        .opaque_tokens()
        .public_client("editor", ["http://127.0.0.1/callback"])
        .client("mcp-server", "s3cret", "")
        .start();
    let server = server.await.expect("a server");
    let guard = guard(&server, by_secret("s3cret"), &clock);
    let token = server
        .grant(User::Alice, "editor", "mcp:tools.read")
        .expect("a token");
    assert_eq!(verdict(&guard, &token).await, "other_resource");
}

/// RS-077, RS-005: each way of proving who asks works, and whoever proves nothing is told nothing.
#[tokio::test]
async fn the_server_tells_its_clients_alone() {
    let clock = support::clock();
    let pair = Ed25519KeyPair::generate().expect("a key");
    let x = support::tokens::b64(pair.public_key());
    let jwks = json!({"keys": [{"kid": "k1", "kty": "OKP", "crv": "Ed25519", "x": x}]});
    let server = opaque(&clock)
        .client_with_keys("signing-server", &jwks.to_string(), "")
        .start();
    let server = server.await.expect("a server");
    let token = server
        .grant(User::Alice, "editor", "mcp:tools.read")
        .expect("a token");
    let key = |pair: &Ed25519KeyPair| {
        let der = pair.to_pkcs8v1().expect("a key");
        let key = ClientKey::from_pkcs8_der(Algorithm::EdDSA, der.as_ref()).expect("a key");
        ClientAuthentication::private_key_jwt("signing-server", key.with_key_id("k1"))
    };
    let post = ClientAuthentication::client_secret_post("mcp-server", ClientSecret::new("s3cret"));
    for by in [by_secret("s3cret"), post, key(&pair)] {
        assert_eq!(verdict(&guard(&server, by, &clock), &token).await, "ok");
    }
    let other = Ed25519KeyPair::generate().expect("a key");
    let public = ClientAuthentication::client_secret_basic("editor", ClientSecret::new("x"));
    for by in [by_secret("wrong"), key(&other), public] {
        assert_eq!(
            verdict(&guard(&server, by, &clock), &token).await,
            "unavailable"
        );
    }
}

/// RS-005: the server is down, slow or broken, and then it is not.
#[tokio::test]
async fn no_token_is_refused_because_its_server_is_broken() {
    let clock = support::clock();
    let server = opaque(&clock).start().await.expect("a server");
    let introspection = Introspection::by(by_secret("s3cret"));
    let rules = TrustedIssuer::introspected(server.id().clone(), introspection)
        .fetch_time_limit(std::time::Duration::from_millis(300));
    let guard = support::with_rules(rules, &clock)
        .unlimited()
        .build()
        .expect("a guard");
    guard.ready().await.expect("a place");
    let token = server
        .grant(User::Alice, "editor", "mcp:tools.read")
        .expect("a token");
    for fault in [
        Fault::Status(500),
        Fault::Status(401),
        Fault::Disconnect,
        Fault::EndlessBody,
        Fault::Garbage,
        Fault::Hang,
        Fault::RedirectTo("https://10.0.0.1/introspect".to_owned()),
        Fault::Truncated,
        Fault::Slow(std::time::Duration::from_millis(100)),
    ] {
        server.introspection_fault(fault.clone());
        assert_eq!(verdict(&guard, &token).await, "unavailable", "{fault:?}");
    }
    server.behave();
    assert_eq!(verdict(&guard, &token).await, "ok");
}

/// A server whose tokens are JWTs may be asked about them all the same.
#[tokio::test]
async fn a_jwt_may_be_asked_about_too() {
    let clock = support::clock();
    let server = AuthorizationServer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .public_client("editor", ["http://127.0.0.1/callback"])
        .client("mcp-server", "s3cret", "")
        .start();
    let server = server.await.expect("a server");
    let guard = guard(&server, by_secret("s3cret"), &clock);
    let token = server
        .grant(User::Alice, "editor", "mcp:tools.read")
        .expect("a token");
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(verdict(&guard, &token).await, "ok");
    // One that nobody was granted is genuine by its signature, and its server knows nothing of it.
    assert_eq!(verdict(&guard, &server.token().mint()).await, "inactive");
}
