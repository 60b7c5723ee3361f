//! What a tool takes stands in `Params`.
//! Stops arguments that look as if they came from elsewhere.

use clearance::mcp::{McpScopes, Params, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

#[derive(Debug, serde::Deserialize)]
struct Delete {
    path: String,
}

fn of(_: Params<Delete>) {}

async fn delete(_: Authorized<ToolsExecute>, what: Params<Delete>) -> Result<String, ToolError> {
    Ok(format!("{what:?}"))
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("delete_file", delete)
}

fn main() {}
