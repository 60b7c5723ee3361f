//! A server of notes.

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::Deserialize;

#[derive(Clone)]
struct Notes {
    tools: ToolRouter<Self>,
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    name: String,
}

#[tool_router]
impl Notes {
    #[tool(description = "Lists the notes")]
    async fn list(&self) -> String {
        "milk, bread".to_owned()
    }

    #[tool(description = "Deletes a note")]
    async fn delete(&self, note: Parameters<Note>) -> String {
        format!("deleted the note about {}", note.0.name)
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Notes {}

pub(crate) fn app() -> Result<axum::Router, Box<dyn std::error::Error>> {
    let notes = Notes {
        tools: Notes::tool_router(),
    };
    let sessions = LocalSessionManager::default().into();
    let config = StreamableHttpServerConfig::default();
    let make = move || Ok(notes.clone());
    let service = StreamableHttpService::new(make, sessions, config);
    let router = axum::Router::new().nest_service("/mcp", service);
    Ok(router)
}
