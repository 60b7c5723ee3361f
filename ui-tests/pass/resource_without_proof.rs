//! A resource's handler demands a proof.
//! Stops a resource that anybody may read.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router};
use clearance::{Authorized, Caller, Guard};

type May = Authorized<ResourcesRead>;

async fn config(_: May, _: Caller) -> Result<String, CallError> {
    Ok("color = blue".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).resource("file:///config", config)
}

fn main() {}
