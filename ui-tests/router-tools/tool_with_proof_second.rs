//! The proof stands first.
//! Stops a signature in which the demand is easily overlooked.

use clearance::mcp::{McpScopes, Params, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

type May = Authorized<ToolsExecute>;

async fn delete(Params(path): Params<String>, _: May) -> Result<String, ToolError> {
    Ok(path)
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("delete_file", delete)
}

fn main() {}
