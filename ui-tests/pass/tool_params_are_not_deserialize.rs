//! What a tool takes can be read.
//! Stops a tool that nobody could call.

use clearance::mcp::{McpScopes, Params, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

#[derive(Debug, serde::Deserialize)]
struct Delete {
    path: String,
}

async fn delete(_: Authorized<ToolsExecute>, what: Params<Delete>) -> Result<String, ToolError> {
    Ok(what.0.path)
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("delete_file", delete)
}

fn main() {}
