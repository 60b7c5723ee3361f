//! Who calls says nothing of what he may do.
//! Stops a tool for everybody who has a token.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Caller, Guard};

type May = (Authorized<ToolsExecute>, Caller);

async fn greet(caller: Authorized<ToolsExecute>) -> Result<String, ToolError> {
    Ok(format!("hello, {}", caller.subject()))
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("greet", greet)
}

fn main() {}
