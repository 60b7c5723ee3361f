//! How do I guard a server that is written with the official SDK?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::process::ExitCode;

use clearance::mcp::{McpScopes, Policy, ToolsExecute};
use clearance::rmcp::{SecureToolRouter, Secured};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard};
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt as _, tool, tool_handler};

#[derive(Clone)]
struct Clock {
    tools: SecureToolRouter<Self, McpScopes>,
}

impl Clock {
    #[tool(description = "Tells who asks")]
    async fn whoami(&self, auth: Authorized<()>) -> String {
        auth.subject().to_string()
    }

    #[tool(description = "Winds the clock")]
    async fn wind(&self, auth: Authorized<ToolsExecute>) -> String {
        format!("{} has wound the clock", auth.subject())
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Clock {}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    // An issuer for this example; yours is your authorization server.
    let issuer = Issuer::start(url.parse()?).await?;
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    let tools = SecureToolRouter::new(&guard)
        .tool(Clock::whoami_tool_attr(), Clock::whoami)
        .tool(Clock::wind_tool_attr(), Clock::wind);
    let layer = AuthorizationLayer::builder(&guard, Policy::standard().include(&tools))
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    let clock = Clock { tools };
    let make = move || Ok(Secured::new(clock.clone()));
    let sessions = LocalSessionManager::default().into();
    let config = StreamableHttpServerConfig::default();
    let service = StreamableHttpService::new(make, sessions, config);
    let app = axum::Router::new().nest_service("/mcp", service);
    guard.ready().await?;
    tokio::spawn(async move { axum::serve(listener, app.layer(layer)).await });

    let mut all_right = true;
    for (tool, scope, expected) in [
        ("whoami", "", true),
        ("wind", "", false),
        ("wind", "mcp:tools:execute", true),
    ] {
        let config = StreamableHttpClientTransportConfig::with_uri(&*url);
        let config = config.auth_header(issuer.token().scope(scope).mint());
        let client = ().serve(StreamableHttpClientTransport::from_config(config)).await?;
        let may = client
            .call_tool(CallToolRequestParams::new(tool))
            .await
            .is_ok();
        println!("{tool:<8} {scope:<18} {may}");
        all_right &= may == expected;
    }
    Ok(ExitCode::from(u8::from(!all_right)))
}
