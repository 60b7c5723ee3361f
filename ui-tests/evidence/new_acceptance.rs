//! The constructor of what is accepted is for the guard's builder alone.
//! Stops rules that were put together beside the guard.

use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::token::Acceptance;

fn acceptance(guard: &Guard<McpScopes>) -> &Acceptance {
    let _new = Acceptance::new;
    guard.acceptance()
}

fn main() {}
