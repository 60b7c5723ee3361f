//! A handler takes the state of its own router.
//! Stops a handler that would find no state.

use axum::extract::State;
use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

#[derive(Clone)]
struct Files;

#[derive(Clone)]
struct Database;

async fn clear(_: Authorized<ToolsExecute>, _: State<Database>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes, Files> {
    Router::with_state(guard, Files).tool("clear_cache", clear)
}

fn main() {}
