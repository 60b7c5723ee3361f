//! A method fails as a call, and not as a tool.
//! Stops an error that clients would take for a result.

use clearance::mcp::method::LoggingSetLevel;
use clearance::mcp::{CallError, LoggingConfigure, McpScopes, Router, ToolError};
use clearance::{Authorized, Guard};

type Errors = (CallError, ToolError);

async fn set_level(_: Authorized<LoggingConfigure>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(LoggingSetLevel, set_level)
}

fn main() {}
