//! An error of one's own says how a tool fails with it.
//! Stops an internal error whose text would be shown to everybody.

use clearance::mcp::{McpScopes, Router, ToolError, ToolFailure, ToolsExecute};
use clearance::{Authorized, Guard};

struct Locked;

impl From<Locked> for ToolError {
    fn from(_: Locked) -> Self {
        ToolError::new("the file is locked").into()
    }
}

fn of(_: ToolFailure) {}

async fn clear(_: Authorized<ToolsExecute>) -> Result<(), Locked> {
    Err(Locked)
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
