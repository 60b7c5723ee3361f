//! A handler is not called where there is no proof.
//! Stops a tool that looks at a refusal, and serves all the same.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard, Refusal};

type Outcome<T> = Result<T, Refusal>;

async fn clear(_: Outcome<Authorized<ToolsExecute>>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
