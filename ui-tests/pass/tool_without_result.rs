//! A tool says that it can fail.
//! Stops a failure that is told as if it were a success.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

type Outcome<T> = Result<T, ToolError>;

async fn greet(auth: Authorized<ToolsExecute>) -> Outcome<String> {
    Ok(format!("hello, {}", auth.subject()))
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("greet", greet)
}

fn main() {}
