//! What is accepted is put together by the guard's builder.
//! Stops an acceptance without issuers, leeway or a resource.

use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::token::Acceptance;

fn acceptance(guard: &Guard<McpScopes>) -> &Acceptance {
    let _everything = Acceptance(());
    guard.acceptance()
}

fn main() {}
