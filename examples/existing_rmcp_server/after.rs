//! A server of notes.

use clearance::mcp::{McpScopes, Policy, ToolsExecute, ToolsRead};
use clearance::rmcp::{SecureToolRouter, Secured};
use clearance::{AuthorizationLayer, Authorized, Guard, session::SealKeys};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler};
use serde::Deserialize;

#[derive(Clone)]
struct Notes {
    tools: SecureToolRouter<Self, McpScopes>,
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    name: String,
}

impl Notes {
    #[tool(description = "Lists the notes")]
    async fn list(&self, _: Authorized<ToolsRead>) -> String {
        "milk, bread".to_owned()
    }

    #[tool(description = "Deletes a note")]
    async fn delete(&self, _: Authorized<ToolsExecute>, note: Parameters<Note>) -> String {
        format!("deleted the note about {}", note.0.name)
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Notes {}

pub(crate) fn app(url: &str, issuer: &str) -> Result<axum::Router, Box<dyn std::error::Error>> {
    let guard = Guard::<McpScopes>::builder(url.parse()?)
        .issuer(issuer.parse()?)
        .build()?;
    let notes = Notes {
        tools: SecureToolRouter::new(&guard)
            .tool(Notes::list_tool_attr(), Notes::list)
            .tool(Notes::delete_tool_attr(), Notes::delete),
    };
    let layer = AuthorizationLayer::builder(&guard, Policy::standard().include(&notes.tools))
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    let sessions = LocalSessionManager::default().into();
    let config = StreamableHttpServerConfig::default();
    let make = move || Ok(Secured::new(notes.clone()));
    let service = StreamableHttpService::new(make, sessions, config);
    let router = axum::Router::new().nest_service("/mcp", service);
    Ok(router.layer(layer))
}
