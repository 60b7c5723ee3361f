//! A scope is not a list, although some have the same name.
//! Stops a slip, and says which of the two is wanted.

use clearance::Guard;
use clearance::mcp::{McpScopes, PromptsList, Router, method};

fn of(_: PromptsList, _: method::PromptsList) {}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).list(PromptsList)
}

fn main() {}
