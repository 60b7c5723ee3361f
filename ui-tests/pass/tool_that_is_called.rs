//! A handler is passed, and not called.
//! Stops a handler that would need a proof where there is no request.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

async fn clear(_: Authorized<ToolsExecute>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>, auth: Authorized<ToolsExecute>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
