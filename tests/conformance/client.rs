//! The client under test: what somebody writes who uses this library, and nothing more.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::TimeDelta;
use clearance::client::layer::{
    Access, AccessError, AuthorizationCode, ClientCredentials, Grant, LayerError, LoopbackLogin,
    Obtained,
};
use clearance::client::redirect::LoopbackReceiver;
use clearance::client::rmcp::AuthorizedClient;
use clearance::client::store::MemoryStore;
use clearance::client::{
    Challenge, Client, ClientBuilder, ClientMetadataDocument, Discovered, IdentityProvider,
};
use clearance::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use clearance::id::Issuer;
use clearance::jwk::Algorithm;
use reqwest::redirect::Policy;
use serde_json::Value;
use tower::Layer as _;

use super::browser::Follower;
use super::protocol::{Failure, Peer};
use super::scenarios::By;
use super::sdk;

/// The name of the scenario, by which the suite tells a client what it is in for.
pub(crate) const SCENARIO: &str = "MCP_CONFORMANCE_SCENARIO";
/// The name of the variable that says what the client speaks with.
pub(crate) const BY: &str = "CLIENT_SPEAKS_BY";
/// Before what the client has come to, on its last line.
pub(crate) const END: &str = "END ";
/// The end of a client that has done all that it wanted.
pub(crate) const DONE: &str = "done";
/// The end of a client that was not made for a scenario.
pub(crate) const NOT_MINE: &str = "not for this client";

/// Goes through one scenario, and says how it has ended.
pub(crate) fn main(scenario: &str) -> ExitCode {
    if !is_mine(scenario) {
        println!("{END}{NOT_MINE}");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match runtime.block_on(run(scenario)) {
        Ok(()) => {
            println!("{END}{DONE}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            let mut cause = failure.source();
            while let Some(deeper) = cause {
                println!("  {deeper}");
                cause = deeper.source();
            }
            println!("{END}{}", code(&*failure));
            ExitCode::FAILURE
        }
    }
}

/// What is not about authorization is not ours, and proofs of possession are not there.
fn is_mine(scenario: &str) -> bool {
    scenario.starts_with("auth/") && !scenario.starts_with("auth/dpop")
}

/// The stable code of what the library has refused.
fn code(failure: &(dyn Error + 'static)) -> &'static str {
    if let Some(LayerError::Access(error)) = failure.downcast_ref::<LayerError<reqwest::Error>>() {
        return error.code();
    }
    match sdk::refused(failure) {
        Some(code) => code,
        None => failure.source().map_or("failed", code),
    }
}

async fn run(scenario: &str) -> Result<(), Failure> {
    let url = env::args().next_back().ok_or("no server")?;
    let revision = env::var("MCP_CONFORMANCE_PROTOCOL_VERSION")?;
    let context: Value = match env::var("MCP_CONFORMANCE_CONTEXT") {
        Ok(context) => context.parse()?,
        Err(_) => Value::Null,
    };
    let access = access(scenario, &url, &context).await?;
    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        // The servers of the suite close connections in use when their machine is busy.
        .pool_max_idle_per_host(0)
        .build()?;
    if env::var(BY)? == format!("{:?}", By::Sdk) {
        return sdk::talk(AuthorizedClient::new(access, http), &url, &revision).await;
    }
    let http = access.layer().layer(http);
    Peer::new(http, url, revision).talk().await
}

/// Sets up the client as its user would who knows what the scenario tells.
async fn access(scenario: &str, url: &str, context: &Value) -> Result<Access, Failure> {
    let builder = Client::builder(url.parse()?).name("Conformance");
    let text = |name: &str| {
        let value = context[name].as_str();
        value.ok_or_else(|| format!("the suite tells no {name}"))
    };
    let access = match scenario {
        "auth/basic-cimd" => {
            let document = ClientMetadataDocument::new(
                "https://conformance-test.local/client-metadata.json",
                "Conformance",
                ["http://127.0.0.1/callback".parse()?],
            )?;
            Access::builder(builder.metadata_document(document).build()?, person())
        }
        "auth/pre-registration" => {
            let client = builder.pre_registered(text("issuer")?.parse()?, secret(context)?);
            Access::builder(client.build()?, person())
        }
        "auth/client-credentials-jwt" => {
            assert_eq!(text("signing_algorithm")?, "ES256");
            let pem = text("private_key_pem")?;
            let key = ClientKey::from_pkcs8_pem(Algorithm::ES256, pem.as_bytes())?;
            let client = ClientAuthentication::private_key_jwt(text("client_id")?, key);
            Access::builder(known_as(client, builder, url).await?, ClientCredentials)
        }
        "auth/client-credentials-basic" => {
            let client = known_as(secret(context)?, builder, url).await?;
            Access::builder(client, ClientCredentials)
        }
        "auth/enterprise-managed-authorization" => {
            let provider = IdentityProvider::new(
                text("idp_issuer")?.parse()?,
                text("idp_token_endpoint")?,
                ClientAuthentication::none(text("idp_client_id")?),
            );
            let id_token = ClientSecret::new(text("idp_id_token")?);
            let client = known_as(secret(context)?, builder, url).await?;
            Access::builder(client, Employee { provider, id_token })
        }
        "auth/wif-jwt-bearer" => {
            let assertion = ClientSecret::new(text("valid_jwt")?);
            let builder = builder.allow_issuer(issuer_of(url).await?);
            Access::builder(builder.build()?, Workload { assertion })
        }
        _ if scenario.starts_with("auth/2025-03-26-") => {
            Access::builder(builder.legacy_2025_03_26().build()?, person())
        }
        _ => Access::builder(builder.build()?, person()),
    };
    Ok(access.store(Arc::new(MemoryStore::new())).build())
}

/// Somebody at this machine.
fn person() -> AuthorizationCode {
    let receiver = LoopbackReceiver::options().time_limit(TimeDelta::seconds(20));
    let login = LoopbackLogin::new().received_by(receiver);
    AuthorizationCode::by(login.opened_by(Arc::new(Follower)))
}

fn secret(context: &Value) -> Result<ClientAuthentication, Failure> {
    let (id, secret) = (&context["client_id"], &context["client_secret"]);
    let secret = ClientSecret::new(secret.as_str().ok_or("no secret")?);
    let id = id.as_str().ok_or("no client_id")?;
    Ok(ClientAuthentication::client_secret_basic(id, secret))
}

/// The client, registered by hand. The suite does not tell with which issuer, so it is looked up first; in an
/// application, whoever registers the client knows it.
async fn known_as(
    client: ClientAuthentication,
    builder: ClientBuilder,
    url: &str,
) -> Result<Client, Failure> {
    Ok(builder
        .pre_registered(issuer_of(url).await?, client)
        .build()?)
}

async fn issuer_of(url: &str) -> Result<Issuer, Failure> {
    let stranger = Client::builder(url.parse()?).build()?;
    let found = stranger.discover(&Challenge::default()).await?;
    Ok(found.issuer().clone())
}

/// A workload with an assertion of its platform.
#[derive(Debug)]
struct Workload {
    assertion: ClientSecret,
}

impl Grant for Workload {
    fn obtain(&self, discovered: Discovered) -> Obtained<'_> {
        Box::pin(async move { Ok(discovered.jwt_bearer(&self.assertion).await?) })
    }
}

/// Somebody who has logged in at their company.
#[derive(Debug)]
struct Employee {
    provider: IdentityProvider,
    id_token: ClientSecret,
}

impl Grant for Employee {
    fn obtain(&self, discovered: Discovered) -> Obtained<'_> {
        Box::pin(async move {
            let tokens = discovered.enterprise(&self.provider, &self.id_token).await;
            tokens.map_err(AccessError::from)
        })
    }
}
