//! A handler is an async function.
//! Stops a handler that blocks the server while it works.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

fn clear(_: Authorized<ToolsExecute>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
