//! A tool is no method: the nothing that it demands would stand in for what `tools/call` demands.
//! Stops a weak proof for a method of the protocol.

use std::convert::Infallible;

use clearance::mcp::{McpScopes, Router, Tool};
use clearance::{Authorized, Guard};

async fn call(_: Authorized<()>) -> Result<(), Infallible> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool(Tool::new("call"), call)
}

fn main() {}
