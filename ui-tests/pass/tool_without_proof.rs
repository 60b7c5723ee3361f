//! A tool's handler demands a proof.
//! Stops a tool that anybody may call.

use clearance::mcp::{McpScopes, Params, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

type May = Authorized<ToolsExecute>;

async fn delete(_: May, Params(path): Params<String>) -> Result<String, ToolError> {
    Ok(path)
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("delete_file", delete)
}

fn main() {}
