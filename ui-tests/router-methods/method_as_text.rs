//! A method is one that the library knows, or says that it is not.
//! Stops a misspelt method, whose scope would be demanded by nobody.

use clearance::mcp::method::Other;
use clearance::mcp::{CallError, McpScopes, Router, ToolsExecute};
use clearance::{Authorized, Guard};

async fn index(_: Authorized<ToolsExecute>) -> Result<(), CallError> {
    Ok(())
}

fn of(_: Other) {}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method("example/index", index)
}

fn main() {}
