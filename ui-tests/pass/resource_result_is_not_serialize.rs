//! A resource's content can be written down.
//! Stops a resource that nobody could read.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router};
use clearance::{Authorized, Guard};

#[derive(Debug, serde::Serialize)]
struct Config {
    color: String,
}

async fn config(_: Authorized<ResourcesRead>) -> Result<Config, CallError> {
    let color = "blue".into();
    Ok(Config { color })
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).resource("file:///config", config)
}

fn main() {}
