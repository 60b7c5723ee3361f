//! A prompt's handler demands a proof, even if it needs nothing else.
//! Stops a prompt that anybody may get.

use clearance::mcp::{CallError, McpScopes, PromptsRead, Router};
use clearance::{Authorized, Guard};

type May = Authorized<PromptsRead>;

async fn review() -> Result<String, CallError> {
    Ok("Review my code.".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
