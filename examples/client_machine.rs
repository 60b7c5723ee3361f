//! How does a job call an MCP server at night, when nobody can be asked?
//!
//! It is registered by hand, and proves who it is with a key (`private_key_jwt`): no secret leaves it.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::client::Client;
use clearance::client::layer::{Access, AccessService, ClientCredentials, LayerError};
use clearance::credentials::{ClientAuthentication, ClientKey};
use clearance::id::Issuer;
use clearance::jwk::Algorithm;
use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute};
use clearance::testing::AuthorizationServer;
use clearance::{Authorized, Guard};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

type Failure = Box<dyn Error + Send + Sync>;
type Http = AccessService<reqwest::Client>;

async fn report(auth: Authorized<ToolsExecute>) -> Result<String, ToolError> {
    Ok(format!("a report for {}", auth.client()))
}

/// A key, and the set that the authorization server gets of it. A job reads its key from a file:
/// `ClientKey::from_pkcs8_pem`.
fn key() -> Result<(ClientKey, String), Failure> {
    let pair = Ed25519KeyPair::generate()?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x }] });
    let key = ClientKey::from_pkcs8_der(Algorithm::EdDSA, pair.to_pkcs8v1()?.as_ref())?;
    Ok((key, jwks.to_string()))
}

/// An HTTP client that is authorized at the server as the job with this key.
fn job(url: &str, issuer: &Issuer, key: ClientKey) -> Result<Http, Failure> {
    let who = ClientAuthentication::private_key_jwt("nightly-job", key);
    let client = Client::builder(url.parse()?)
        // It is shown to this issuer, and to no other that the server may name.
        .pre_registered(issuer.clone(), who)
        .allow_issuer(issuer.clone())
        .build()?;
    let access = Access::builder(client, ClientCredentials).build();
    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    Ok(access.layer().layer(http))
}

async fn call(http: &Http, url: &str) -> Result<String, LayerError<reqwest::Error>> {
    let params = json!({ "name": "report", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = reqwest::Client::new().post(url);
    let request = request.header("content-type", "application/json");
    let request = request.body(body.to_string()).build();
    let request = request.map_err(LayerError::Service)?;
    let answer = http.clone().oneshot(request).await?;
    let body = answer.text().await.map_err(LayerError::Service)?;
    let body: Value = body.parse().unwrap_or_default();
    let said = body.pointer("/result/content/0/text");
    Ok(said.and_then(Value::as_str).unwrap_or("-").to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let (own, jwks) = key()?;
    // A small authorization server for this example. The job's scopes were given to it once, by hand.
    let issuer = AuthorizationServer::builder(url.parse()?)
        .describing::<McpScopes>()
        .client_with_keys("nightly-job", &jwks, "mcp:tools:execute")
        .start()
        .await?;
    let guard = Guard::<McpScopes>::builder(url.parse()?)
        .issuer(issuer.id().clone())
        .baseline::<ToolsExecute>()
        .build()?;
    let app: Router = mcp::Router::new(&guard).tool("report", report).build()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let http = job(&url, issuer.id(), own)?;
    for _ in 0..3 {
        let said = call(&http, &url).await?;
        println!("the job:               {said}");
        assert!(said == "a report for nightly-job", "{said}");
    }
    let requests = issuer.requests();
    let tokens = requests.iter().filter(|request| request.path() == "/token");
    let tokens: Vec<_> = tokens.collect();
    println!("requests for a token:  {}", tokens.len());
    assert_eq!(tokens.len(), 1);
    let shown: Vec<_> = tokens
        .iter()
        .flat_map(|request| request.parameters())
        .collect();
    assert!(shown.contains(&"client_assertion") && !shown.contains(&"client_secret"));

    // Whoever has its name and not its key gets no token, and the server is not even called.
    let (another, _) = key()?;
    let refused = call(&job(&url, issuer.id(), another)?, &url).await;
    let Err(LayerError::Access(error)) = refused else {
        return Err(format!("another key was taken: {refused:?}").into());
    };
    println!("with another key:      {}: {error}", error.code());
    let requests = issuer.requests();
    assert!(requests.iter().all(|request| request.path() != "/register"));
    Ok(())
}
