//! A handler takes one proof, of all that it needs.
//! Stops a second demand that nobody would see in the policy.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute, ToolsRead};
use clearance::{Authorized, Guard};

async fn describe(_: Authorized<(ToolsExecute, ToolsRead)>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("describe", describe)
}

fn main() {}
