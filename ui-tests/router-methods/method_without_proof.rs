//! A method's handler demands a proof.
//! Stops a method that anybody may call.

use clearance::mcp::method::CompletionComplete;
use clearance::mcp::{CallError, CompletionRead, McpScopes, Params, Router};
use clearance::{Authorized, Guard};
use serde_json::Value;

type May = Authorized<CompletionRead>;

async fn complete(Params(what): Params<Value>) -> Result<Value, CallError> {
    Ok(what)
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(CompletionComplete, complete)
}

fn main() {}
