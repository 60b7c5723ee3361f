//! How does a client on the official SDK get authorized?
//!
//! `AuthorizedClient` goes around what `rmcp` sends its requests with: it logs in when the server asks for it, asks
//! for more when a tool does, and refreshes. The rest of the program does not know of tokens.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use clearance::client::Client;
use clearance::client::layer::{Access, AuthorizationCode, LoopbackLogin};
use clearance::client::redirect::{OpenError, UrlOpener};
use clearance::client::rmcp::AuthorizedClient;
use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute, ToolsRead};
use clearance::testing::{AuthorizationServer, User};
use clearance::{Authorized, Guard};
use reqwest::redirect::Policy;
use rmcp::ServiceExt as _;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use tokio::net::TcpListener;

type Failure = Box<dyn Error + Send + Sync>;

async fn look(auth: Authorized<ToolsRead>) -> Result<String, ToolError> {
    Ok(format!("{} has looked", auth.subject()))
}

async fn run(auth: Authorized<ToolsExecute>) -> Result<String, ToolError> {
    Ok(format!("{} has run it", auth.subject()))
}

/// A browser without a person: it goes where it is sent. A program leaves this out, and has the system's.
#[derive(Debug)]
struct Follower;

impl UrlOpener for Follower {
    fn open(&self, url: &str) -> Result<(), OpenError> {
        tokio::spawn(reqwest::get(url.to_owned()));
        Ok(())
    }
}

/// An MCP server, and the authorization server that it names.
async fn serve() -> Result<(String, AuthorizationServer), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = AuthorizationServer::builder(url.parse()?)
        .describing::<McpScopes>()
        .approve_automatically(User::Alice)
        .start()
        .await?;
    let guard = Guard::<McpScopes>::builder(url.parse()?)
        .issuer(issuer.id().clone())
        .baseline::<ToolsRead>()
        .build()?;
    let router = mcp::Router::new(&guard).named("tools", "1.0");
    let app: Router = router.tool("look", look).tool("run", run).build()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((url, issuer))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (url, issuer) = serve().await?;

    let client = Client::builder(url.parse()?).name("Editor").build()?;
    let login = LoopbackLogin::new().opened_by(Arc::new(Follower));
    let access = Access::builder(client, AuthorizationCode::by(login)).build();
    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let http = AuthorizedClient::new(access, http);
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let peer = ().serve(StreamableHttpClientTransport::with_client(http, config)).await?;

    let mut asked = Vec::new();
    for tool in ["look", "run", "run"] {
        let called = peer.call_tool(CallToolRequestParams::new(tool)).await?;
        let said = called.content.first().and_then(|content| content.as_text());
        let said = said.map_or("-", |text| text.text.as_str());
        let requests = issuer.requests();
        let scopes = requests
            .iter()
            .filter(|request| request.path() == "/authorize");
        asked = scopes
            .filter_map(|request| request.value("scope").map(str::to_owned))
            .collect();
        println!("{tool:<5} {said}; asked for: {asked:?}");
        assert!(said.starts_with("alice has"), "{said}");
    }
    assert_eq!(asked.len(), 2, "once to log in, and once for `run`");
    peer.cancel().await?;
    Ok(())
}
