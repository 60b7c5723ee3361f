//! A method of the protocol is not for everybody.
//! Stops a handler that demands a valid token alone.

use clearance::mcp::method::LoggingSetLevel;
use clearance::mcp::{CallError, LoggingConfigure, McpScopes, Router};
use clearance::{Authorized, Guard};

type May = Authorized<LoggingConfigure>;

async fn set_level(_: Authorized<LoggingConfigure>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(LoggingSetLevel, set_level)
}

fn main() {}
