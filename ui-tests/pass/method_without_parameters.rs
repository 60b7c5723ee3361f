//! A method's handler demands a proof, even if it needs nothing else.
//! Stops a method that anybody may call.

use clearance::mcp::method::LoggingSetLevel;
use clearance::mcp::{CallError, LoggingConfigure, McpScopes, Router};
use clearance::{Authorized, Guard};

type May = Authorized<LoggingConfigure>;

async fn set_level(_: May) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(LoggingSetLevel, set_level)
}

fn main() {}
