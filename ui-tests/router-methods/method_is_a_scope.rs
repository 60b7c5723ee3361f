//! A scope is not a method, although some have the same name.
//! Stops a slip, and says which of the two is wanted.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router, method};
use clearance::{Authorized, Guard};
use serde_json::Value;

async fn read(_: Authorized<ResourcesRead>) -> Result<Value, CallError> {
    Ok(Value::Null)
}

fn of(_: method::ResourcesRead) {}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(ResourcesRead, read)
}

fn main() {}
