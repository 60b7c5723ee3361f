//! A prompt says that it can fail.
//! Stops a failure that is told as if it were a prompt.

use clearance::mcp::{CallError, McpScopes, PromptsRead, Router};
use clearance::{Authorized, Guard};

type Outcome = Result<String, CallError>;

async fn review(_: Authorized<PromptsRead>) -> Outcome {
    Ok("Review my code.".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
