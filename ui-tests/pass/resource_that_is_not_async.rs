//! A handler is an async function.
//! Stops a handler that blocks the server while it works.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router};
use clearance::{Authorized, Guard};

async fn config(_: Authorized<ResourcesRead>) -> Result<String, CallError> {
    Ok("color = blue".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).resource("file:///config", config)
}

fn main() {}
