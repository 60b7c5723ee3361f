//! A handler cannot do without the proof.
//! Stops a tool that takes `None` for a caller without rights, and serves him.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

async fn clear(_: Authorized<ToolsExecute>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
