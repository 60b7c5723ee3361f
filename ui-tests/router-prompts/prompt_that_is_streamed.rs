//! Only tools tell how far they are.
//! Stops an event stream where clients expect one answer.

use clearance::mcp::{CallError, McpScopes, PromptsRead, Router, Streamed};
use clearance::{Authorized, Guard};

type Outcome<T> = Result<T, CallError>;

async fn review(_: Authorized<PromptsRead>) -> Outcome<Streamed<String>> {
    Err(CallError::internal("nothing to review"))
}

fn of(_: Streamed<String>) {}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
