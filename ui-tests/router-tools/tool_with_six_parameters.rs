//! A handler takes a proof and up to four things more.
//! Says how many there are, where there are too many.

use clearance::mcp::{McpScopes, Router, ToolError};
use clearance::{Authorized, Caller, Guard};

type May = Authorized<()>;
type Who = Caller;

async fn compare(_: May, _: Who, _: Who, _: Who, _: Who, _: Who) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("compare", compare)
}

fn main() {}
