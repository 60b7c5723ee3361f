//! That a vocabulary knows a type cannot be assumed in order to prove it.
//! Stops a circle of reasons: an impl whose condition is itself.

use clearance::mcp::McpScopes;
use clearance::scope::KnownTo;

struct Everything;

fn known<S: KnownTo<McpScopes>>() {}

fn main() {
    let _ = Everything;
}
