//! What takes rules takes them of any router.

use clearance::mcp::{McpScopes, Policy, Rulebook};

#[derive(Debug)]
struct Mine;

// Nothing is implemented by hand.

fn policy(rules: &impl Rulebook<McpScopes>) -> Policy<McpScopes> {
    Policy::standard().include(rules)
}

fn main() {}
