//! A prompt's handler demands a proof.
//! Stops a prompt that anybody may get.

use clearance::mcp::{CallError, McpScopes, Params, PromptsRead, Router};
use clearance::{Authorized, Guard};

type May = Authorized<PromptsRead>;

async fn review(Params(code): Params<String>) -> Result<String, CallError> {
    Ok(format!("Review this: {code}"))
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
