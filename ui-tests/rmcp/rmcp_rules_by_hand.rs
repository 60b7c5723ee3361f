//! Only the library writes rules out of types.
//! Stops rules that say something else than the handlers.

use clearance::mcp::{McpScopes, Policy, Rulebook};

#[derive(Debug)]
struct Mine;

impl Rulebook<McpScopes> for Mine {}

fn policy(rules: &impl Rulebook<McpScopes>) -> Policy<McpScopes> {
    Policy::standard().include(rules)
}

fn main() {}
