//! A handler cannot do without the proof.
//! Stops a prompt that takes `None` for a caller without rights, and serves him.

use clearance::mcp::{CallError, McpScopes, PromptsRead, Router};
use clearance::{Authorized, Guard};

async fn review(_: Authorized<PromptsRead>) -> Result<String, CallError> {
    Ok("Review my code.".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
