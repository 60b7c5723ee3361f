//! A guard has no default.
//! Stops an application state that derives `Default` and guards nothing.

use clearance::Guard;
use clearance::mcp::McpScopes;

struct App {
    guard: Guard<McpScopes>,
}

fn main() {}
