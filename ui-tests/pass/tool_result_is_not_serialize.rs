//! A tool's result can be written down.
//! Stops a tool whose result nobody could read.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

#[derive(Debug, serde::Serialize)]
struct Deleted {
    files: u32,
}

async fn delete(_: Authorized<ToolsExecute>) -> Result<Deleted, ToolError> {
    Ok(Deleted { files: 1 })
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("delete_file", delete)
}

fn main() {}
