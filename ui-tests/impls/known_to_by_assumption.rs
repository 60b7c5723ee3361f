//! That a vocabulary knows a type cannot be assumed in order to prove it.
//! Stops a circle of reasons: an impl whose condition is itself.

use clearance::mcp::McpScopes;
use clearance::scope::KnownTo;

struct Everything;

impl KnownTo<McpScopes> for Everything where for<'a> Everything: KnownTo<McpScopes> {}

fn known<S: KnownTo<McpScopes>>() {}

fn main() {
    let _ = Everything;
}
