//! One of two scopes is not the one that a method demands.
//! Stops the weaker branch of an `AnyOf`.

use clearance::mcp::method::CompletionComplete;
use clearance::mcp::{CallError, CompletionRead, McpScopes, Router, ToolsRead};
use clearance::scope::AnyOf;
use clearance::{Authorized, Guard};

type Either = AnyOf<(CompletionRead, ToolsRead)>;
type Both = (CompletionRead, ToolsRead);

async fn complete(_: Authorized<Both>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(CompletionComplete, complete)
}

fn main() {}
