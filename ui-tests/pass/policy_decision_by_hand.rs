//! Only the library says what decides.
//! Stops a decision whose table says one thing while it does another.

use clearance::mcp::{Decision, McpScopes, Policy, nobody};

#[derive(Debug)]
struct Friends;

impl Friends {}

fn policy() -> Policy<McpScopes> {
    Policy::standard().tool("shell", nobody())
}

fn main() {}
