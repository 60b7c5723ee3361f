//! A resource's handler demands a proof, even if it needs nothing else.
//! Stops a resource that anybody may read.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router};
use clearance::{Authorized, Guard};

type May = Authorized<ResourcesRead>;

async fn config() -> Result<String, CallError> {
    Ok("color = blue".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).resource("file:///config", config)
}

fn main() {}
