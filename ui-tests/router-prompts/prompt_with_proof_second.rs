//! The proof stands first.
//! Stops a signature in which the demand is easily overlooked.

use clearance::mcp::{CallError, McpScopes, PromptsRead, Router};
use clearance::{Authorized, Caller, Guard};

type May = Authorized<PromptsRead>;

async fn review(caller: Caller, _: May) -> Result<String, CallError> {
    Ok(format!("Review the code of {}.", caller.subject()))
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
