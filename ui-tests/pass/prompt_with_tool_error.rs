//! A prompt fails as a call, and not as a tool.
//! Stops an error that clients would take for a prompt.

use clearance::mcp::{CallError, McpScopes, PromptsRead, Router, ToolError};
use clearance::{Authorized, Guard};

type Errors = (CallError, ToolError);

async fn review(_: Authorized<PromptsRead>) -> Result<String, CallError> {
    Ok("Review my code.".into())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).prompt("review", review)
}

fn main() {}
