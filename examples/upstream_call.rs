//! How does an MCP server call another service on behalf of its caller, without passing the token on?
//!
//! The caller's token is for the MCP server alone, and the API refuses it. The server exchanges it at the issuer
//! (RFC 8693) for one that is for the API, and the API sees on whose behalf it is asked, and by whom.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use clearance::client::Exchange;
use clearance::credentials::{ClientAuthentication, ClientSecret};
use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute};
use clearance::testing::{AuthorizationServer, User};
use clearance::{Authorized, Guard, scopes};
use serde_json::{Value, json};

scopes! {
    /// What a caller may be allowed to do at the API.
    vocabulary ArchiveScopes;

    /// Read what is in the archive.
    ArchiveRead = "archive:read";
}

type Failure = Box<dyn Error + Send + Sync>;

/// The API: it takes tokens that are for it, and no others.
async fn files(auth: Authorized<ArchiveRead>) -> String {
    format!(
        "the files of {}, asked for by {}",
        auth.subject(),
        auth.client()
    )
}

/// What the tool needs to call the API.
struct Archive {
    url: String,
    exchange: Exchange,
    http: reqwest::Client,
}

// The handler has a proof and no token: there is nothing that it could pass on.
async fn list(
    auth: Authorized<ToolsExecute>,
    State(archive): State<Arc<Archive>>,
) -> Result<String, ToolError> {
    let call = async {
        let token = archive.exchange.of(&auth).await?;
        let request = archive.http.get(&archive.url);
        let request = request.header("authorization", token.authorization_for(&archive.url)?);
        let answer = request.send().await?.error_for_status()?;
        Ok::<_, Failure>(answer.text().await?)
    };
    call.await.map_err(|why| ToolError::new(why.to_string()))
}

/// Calls the tool of the MCP server; gives the status and what the tool said.
async fn call(url: &str, token: &str) -> Result<(u16, String), Failure> {
    let params = json!({ "name": "list", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .bearer_auth(token);
    let answer = request.body(body.to_string()).send().await?;
    let status = answer.status().as_u16();
    let body: Value = answer.text().await?.parse()?;
    let said = body
        .pointer("/result/content/0/text")
        .and_then(Value::as_str);
    Ok((status, said.unwrap_or("-").to_owned()))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (mcp_listener, api_listener) = (bind().await?, bind().await?);
    let mcp_url = format!("http://{}/mcp", mcp_listener.local_addr()?);
    let api_url = format!("http://{}/api", api_listener.local_addr()?);
    // A small authorization server for this example. It knows the MCP server as a client, too.
    let issuer = AuthorizationServer::builder(mcp_url.parse()?)
        .describing::<McpScopes>()
        .describing::<ArchiveScopes>()
        .also_for(api_url.parse()?)
        .public_client("an-editor", ["http://127.0.0.1/callback"])
        .client("files-server", "a secret of the server", "archive:read")
        .start()
        .await?;

    let api = Guard::<ArchiveScopes>::builder(api_url.parse()?)
        .issuer(issuer.id().clone())
        .build()?;
    let app = Router::new().route("/api", get(files)).with_state(api);
    tokio::spawn(async move { axum::serve(api_listener, app).await });

    let guard = Guard::<McpScopes>::builder(mcp_url.parse()?)
        .issuer(issuer.id().clone())
        .keep_tokens_for_exchange()
        .build()?;
    let secret = ClientSecret::new("a secret of the server");
    let exchange = Exchange::builder(&guard)?
        .upstream(api_url.parse()?)
        .authentication(
            issuer.id().clone(),
            ClientAuthentication::client_secret_basic("files-server", secret),
        )
        .scope("archive:read")
        .build()?;
    let archive = Archive {
        url: api_url.clone(),
        exchange,
        http: reqwest::Client::new(),
    };
    let app: Router = mcp::Router::with_state(&guard, Arc::new(archive))
        .tool("list", list)
        .build()?;
    tokio::spawn(async move { axum::serve(mcp_listener, app).await });

    let scope = "mcp:tools:execute archive:read";
    let token = issuer.grant(User::Alice, "an-editor", scope)?;
    // What everybody is tempted to do ..
    let passed_on = reqwest::Client::new().get(&api_url).bearer_auth(&token);
    let status = passed_on.send().await?.status().as_u16();
    println!("the caller's token at the API:       {status}");
    assert_eq!(status, 401);
    // .. and what works.
    for _ in 0..2 {
        let (status, said) = call(&mcp_url, &token).await?;
        println!("the tool, with an exchanged token:   {status} {said}");
        assert_eq!(status, 200);
        assert!(said.contains("asked for by files-server"), "{said}");
    }
    let exchanges = issuer.requests();
    let exchanges = exchanges
        .iter()
        .filter(|request| request.path() == "/token");
    println!(
        "requests for a token:                {}",
        exchanges.clone().count()
    );
    assert_eq!(exchanges.count(), 1);
    Ok(())
}

async fn bind() -> std::io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind("127.0.0.1:0").await
}
