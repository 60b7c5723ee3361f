//! A method says that it can fail.
//! Stops a failure that is told as if it were a result.

use clearance::mcp::method::LoggingSetLevel;
use clearance::mcp::{CallError, LoggingConfigure, McpScopes, Router};
use clearance::{Authorized, Guard};
use serde_json::Value;

type Outcome = Result<Value, CallError>;

async fn set_level(_: Authorized<LoggingConfigure>) -> Outcome {
    Ok(Value::Null)
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(LoggingSetLevel, set_level)
}

fn main() {}
