//! What stands in place of a method's scope binds its handler.
//! Stops a policy that says more than the handler demands.

use clearance::mcp::method::CompletionComplete;
use clearance::mcp::{CallError, CompletionRead, McpScopes, Router, ToolsExecute};
use clearance::{Authorized, Guard};

type Both = (CompletionRead, ToolsExecute);

async fn complete(_: Authorized<CompletionRead>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(CompletionComplete.demanding::<ToolsExecute>(), complete)
}

fn main() {}
