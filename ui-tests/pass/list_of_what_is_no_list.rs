//! The router lists tools, prompts, resources and templates, and calls nothing by itself.
//! Stops a method without a handler.

use clearance::Guard;
use clearance::mcp::method::{ToolsCall, ToolsList};
use clearance::mcp::{McpScopes, Router};

fn of(_: ToolsCall, _: ToolsList) {}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).list(ToolsList)
}

fn main() {}
