//! A tool's handler demands a proof, even if it needs nothing else.
//! Stops a tool that anybody may call.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

type May = Authorized<ToolsExecute>;

async fn clear() -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
