//! A method's handler demands at least the method's own scope.
//! Stops somebody who may look at tools from having arguments completed.

use clearance::mcp::method::CompletionComplete;
use clearance::mcp::{CallError, CompletionRead, McpScopes, Router, ToolsRead};
use clearance::{Authorized, Guard};

type Both = (CompletionRead, ToolsRead);

async fn complete(_: Authorized<CompletionRead>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(CompletionComplete, complete)
}

fn main() {}
