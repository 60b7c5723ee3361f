//! A resource fails as a call, and not as a tool.
//! Stops an error that clients would take for content.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router, ToolError};
use clearance::{Authorized, Guard};

type Errors = (CallError, ToolError);

async fn config(_: Authorized<ResourcesRead>) -> Result<String, ToolError> {
    Ok("color = blue".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).resource("file:///config", config)
}

fn main() {}
