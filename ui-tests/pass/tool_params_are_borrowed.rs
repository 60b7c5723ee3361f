//! A tool's arguments are the handler's own.
//! Stops a handler that would keep a piece of a request; as the compiler says it.

use clearance::mcp::{McpScopes, Params, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

async fn delete(_: Authorized<ToolsExecute>, path: Params<String>) -> Result<(), ToolError> {
    println!("{}", path.0);
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("delete_file", delete)
}

fn main() {}
