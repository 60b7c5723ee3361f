//! A router without state has none to give.
//! Stops a handler that would find no state.

use axum::extract::State;
use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

#[derive(Clone)]
struct Files;

async fn clear(_: Authorized<ToolsExecute>, _: State<Files>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) {
    let _ = Router::new(guard).tool("clear_cache", clear);
}

fn main() {}
