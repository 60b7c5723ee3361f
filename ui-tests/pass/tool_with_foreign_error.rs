//! A tool's error says what the caller is told.
//! Stops an internal error whose text would be shown to everybody.

use std::io;

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

type Errors = (io::Error, ToolError);

async fn clear(_: Authorized<ToolsExecute>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
