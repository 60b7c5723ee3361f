//! What is no scope cannot be made known to a vocabulary.
//! Stops a type of one's own that a guard would be asked for.

use clearance::mcp::McpScopes;
use clearance::scope::KnownTo;

struct Everything;

impl KnownTo<McpScopes> for Everything {}

fn known<S: KnownTo<McpScopes>>() {}

fn main() {
    let _ = Everything;
}
