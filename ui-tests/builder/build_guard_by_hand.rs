//! A guard is made by its builder.
//! Stops a guard without issuers, keys and limits.

use clearance::Guard;
use clearance::mcp::McpScopes;

fn another(guard: Guard<McpScopes>) -> Guard<McpScopes> {
    Guard { ..guard }
}

fn main() {}
