//! Grants without a browser.

use std::sync::Arc;

use chrono::TimeDelta;
use clearance::client::{
    Challenge, Client, IdentityProvider, MemoryPendingStore, Pending, PendingKey, Redirect,
    RegistrationMethod, TokenError, TokenSet,
};
use clearance::clock::Clock as _;
use clearance::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use clearance::jwk::Algorithm;
use http::header::AUTHORIZATION;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};

use super::support::{MockServer, Reply, World};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn with(world: &World, who: ClientAuthentication) -> Client {
    let issuer = world.server.issuer.parse().unwrap();
    world.builder().pre_registered(issuer, who).build().unwrap()
}

fn secret() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic("machine", ClientSecret::new("s"))
}

/// CL-082, CL-036
#[tokio::test]
async fn a_machine_asks_for_itself() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a", "b"]));
    for (methods, is_basic) in [
        (json!(["client_secret_basic", "client_secret_post"]), true),
        (json!(["client_secret_post"]), false),
    ] {
        world
            .server
            .says("token_endpoint_auth_methods_supported", methods);
        let client = with(&world, secret());
        let discovered = client.discover(&Challenge::default()).await.unwrap();
        let tokens = discovered.client_credentials().await.unwrap();
        assert_eq!(
            tokens.registration().by(),
            RegistrationMethod::PreRegistered
        );
        assert_eq!(tokens.requested().to_string(), "a b");
        let seen = world.log.to("/token").pop().unwrap();
        let encoded = world.endpoint.replace(':', "%3A").replace('/', "%2F");
        let form = format!("grant_type=client_credentials&scope=a+b&resource={encoded}");
        if is_basic {
            assert_eq!(seen.body, form);
            assert_eq!(seen.header(AUTHORIZATION), Some("Basic bWFjaGluZTpz"));
        } else {
            assert_eq!(seen.body, form + "&client_id=machine&client_secret=s");
            assert_eq!(seen.header(AUTHORIZATION), None);
        }
    }
    // Who is not registered is not registered now.
    let discovered = world.discover().await.unwrap();
    let error = discovered.client_credentials().await.unwrap_err();
    assert_eq!(error, TokenError::NotRegistered);
    assert!(world.log.to("/register").is_empty() && world.log.to("/authorize").is_empty());
}

/// A private key as PEM, and its public part.
fn pem(der: &[u8]) -> String {
    use base64::Engine as _;

    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn ecdsa_key() -> (ClientKey, DecodingKey) {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
    let pem = pem(pair.to_pkcs8v1().unwrap().as_ref());
    let key = ClientKey::from_pkcs8_pem(Algorithm::ES256, pem.as_bytes());
    (key.unwrap(), public)
}

fn rsa_key() -> (ClientKey, DecodingKey) {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair as _, RsaPublicKeyComponents};

    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let parts: RsaPublicKeyComponents<Vec<u8>> = pair.public_key().into();
    let public = DecodingKey::from_rsa_raw_components(&parts.n, &parts.e);
    let pem = pem(pair.as_der().unwrap().as_ref());
    let key = ClientKey::from_pkcs8_pem(Algorithm::RS256, pem.as_bytes());
    (key.unwrap(), public)
}

/// CL-083
#[tokio::test]
async fn a_key_signs_a_new_statement_for_each_request() {
    let world = World::start().await;
    world.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["private_key_jwt"]),
    );
    for ((key, public), judge) in [
        (ecdsa_key(), jsonwebtoken::Algorithm::ES256),
        (rsa_key(), jsonwebtoken::Algorithm::RS256),
    ] {
        let client = with(
            &world,
            ClientAuthentication::private_key_jwt("machine", key),
        );
        let mut names = Vec::new();
        for _ in 0..2 {
            let discovered = client.discover(&Challenge::default()).await.unwrap();
            discovered.client_credentials().await.unwrap();
            let seen = world.log.to("/token").pop().unwrap();
            assert_eq!(
                seen.one("client_assertion_type").as_deref(),
                Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            );
            assert_eq!(seen.header(AUTHORIZATION), None);
            assert_eq!(seen.one("client_secret"), None);
            let mut validation = Validation::new(judge);
            validation.set_audience(&[&world.server.issuer]);
            validation.validate_exp = false;
            let assertion = seen.one("client_assertion").unwrap();
            let claims: Value = jsonwebtoken::decode(&assertion, &public, &validation)
                .unwrap()
                .claims;
            let now = world.clock.now().timestamp();
            let name = claims["jti"].as_str().unwrap().to_owned();
            let expected = json!({
                "iss": "machine",
                "sub": "machine",
                "aud": world.server.issuer,
                "iat": now,
                "exp": now + 60,
                "jti": name,
            });
            assert_eq!(claims, expected);
            assert!(name.len() >= 16 && !names.contains(&name));
            names.push(name);
            world.clock.advance(TimeDelta::seconds(1));
        }
    }
}

/// CL-083
#[tokio::test]
async fn a_key_that_the_server_cannot_judge_signs_nothing() {
    let world = World::start().await;
    world.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["private_key_jwt"]),
    );
    world.server.says(
        "token_endpoint_auth_signing_alg_values_supported",
        json!(["PS256"]),
    );
    let client = with(
        &world,
        ClientAuthentication::private_key_jwt("machine", ecdsa_key().0),
    );
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    world.log.take();
    let error = discovered.client_credentials().await.unwrap_err();
    assert_eq!(error, TokenError::AuthenticationUnsupported);
    assert!(world.log.to("/token").is_empty());
}

const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

async fn ask_the_company(world: &World, company: &MockServer) -> Result<TokenSet, TokenError> {
    let provider = IdentityProvider::new(
        company.issuer.parse().unwrap(),
        &format!("{}/token", company.site.origin),
        ClientAuthentication::none("at-the-company"),
    );
    let client = with(world, secret());
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    let id_token = ClientSecret::new("the-id-token");
    discovered.enterprise(&provider, &id_token).await
}

/// CL-084, CL-036
#[tokio::test]
async fn the_identity_provider_of_a_company_lets_its_users_in() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a"]));
    world.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_basic"]),
    );
    let company = MockServer::start(&world.log, "idp", "").await;
    company.state().token = json!({
        "access_token": "the-id-jag",
        "issued_token_type": ID_JAG,
        "token_type": "N_A",
    });
    let tokens = ask_the_company(&world, &company).await.unwrap();
    assert_eq!(tokens.issuer().as_str(), world.server.issuer);
    let seen = world.log.to("/token");
    let [exchange, grant] = seen.as_slice() else {
        panic!("two requests")
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!((exchange.at, grant.at), ("idp", "as"));
    for (name, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("requested_token_type", ID_JAG),
        ("audience", world.server.issuer.as_str()),
        ("resource", world.endpoint.as_str()),
        ("scope", "a"),
        ("subject_token", "the-id-token"),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:id_token",
        ),
        ("client_id", "at-the-company"),
    ] {
        assert_eq!(exchange.one(name), some(value), "{name}");
    }
    for (name, value) in [
        ("grant_type", JWT_BEARER),
        ("assertion", "the-id-jag"),
        ("resource", world.endpoint.as_str()),
        ("scope", "a"),
    ] {
        assert_eq!(grant.one(name), some(value), "{name}");
    }
    assert_eq!(grant.header(AUTHORIZATION), Some("Basic bWFjaGluZTpz"));
    for seen in world.log.all() {
        assert!(seen.at != "mcp" || !format!("{seen:?}").contains("the-id"));
        assert!(seen.at != "as" || !format!("{seen:?}").contains("the-id-token"));
        assert!(seen.path != "/register");
    }
}

/// CL-084
#[tokio::test]
async fn what_the_company_refuses_is_not_tried_otherwise() {
    let world = World::start().await;
    let company = MockServer::start(&world.log, "idp", "").await;
    let ask = async || ask_the_company(&world, &company).await;
    // What is no assertion for this is not shown to the issuer.
    for answer in [
        json!({"access_token": "t", "token_type": "Bearer"}),
        json!({"access_token": "t", "token_type": "N_A", "issued_token_type": "x"}),
    ] {
        company.state().token = answer;
        world.log.take();
        assert_eq!(ask().await.unwrap_err(), TokenError::TokenType);
        assert_eq!(world.log.to("/token").len(), 1);
    }
    company
        .site
        .gives("POST /token", Reply::oauth_error(400, "invalid_grant"));
    world.log.take();
    assert!(ask().await.unwrap_err().is_invalid_grant());
    assert_eq!(world.log.to("/token").len(), 1);
}

/// CL-085, CL-036
#[tokio::test]
async fn a_workload_shows_what_its_platform_gave_it_once() {
    let world = World::start().await;
    let assertion = ClientSecret::new("of.the.platform");
    // An issuer that only the endpoint names is shown nothing.
    let found = world
        .client()
        .discover(&Challenge::default())
        .await
        .unwrap();
    let refused = found.jwt_bearer(&assertion).await.unwrap_err();
    assert_eq!(refused, TokenError::NotRegistered);
    assert!(world.log.to("/token").is_empty());
    let known = world.server.issuer.parse().unwrap();
    let client = world.builder().allow_issuer(known).build().unwrap();
    let ask = async || {
        let discovered = client.discover(&Challenge::default()).await.unwrap();
        discovered.jwt_bearer(&assertion).await
    };
    let tokens = ask().await.unwrap();
    assert_eq!(tokens.registration().by(), RegistrationMethod::Unregistered);
    let seen = world.log.to("/token").pop().unwrap();
    assert_eq!(seen.one("grant_type").as_deref(), Some(JWT_BEARER));
    assert_eq!(seen.one("assertion").as_deref(), Some("of.the.platform"));
    assert_eq!(seen.one("client_id"), None);
    for word in ["invalid_grant", "invalid_scope", "unauthorized_client"] {
        world.log.take();
        world
            .server
            .site
            .gives("POST /token", Reply::oauth_error(400, word));
        let error = ask().await.unwrap_err();
        assert!(matches!(error, TokenError::Refused(error) if error.as_str() == word));
        assert_eq!(world.log.to("/token").len(), 1);
    }
    assert!(world.log.to("/register").is_empty());
}

/// Whatever is asked may be asked on a runtime with many threads.
#[test]
fn all_of_a_flow_can_be_moved_between_threads() {
    fn is_send<T: Send>(_: fn(Client) -> T) {}

    async fn all(client: Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let redirect = Redirect::from_query("code=c");
        let secret = ClientSecret::new("s");
        let found = async || client.discover(&Challenge::default()).await;
        let registered = found()
            .await?
            .register("https://a.example/".parse()?)
            .await?;
        let tokens = registered.authorize()?.redirected(&redirect).await?;
        let tokens = client.refresh(&tokens).await?;
        client.revoke(&tokens).await?;
        found().await?.client_credentials().await?;
        found().await?.jwt_bearer(&secret).await?;
        let issuer = "https://idp.example".parse()?;
        let provider = IdentityProvider::new(issuer, "", ClientAuthentication::none("c"));
        found().await?.enterprise(&provider, &secret).await?;
        let pending = Pending::new(
            &client,
            PendingKey::from_bytes(&[0; 32]),
            Arc::new(MemoryPendingStore::default()),
        );
        pending.redirected(&redirect, "s").await?;
        Ok(())
    }

    is_send(all);
}
