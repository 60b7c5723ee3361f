//! A rule names what it demands.
//! Stops a rule that was begun, and says nothing.

use clearance::mcp::{McpScopes, Policy, ToolsRead, requires};

fn policy() -> Policy<McpScopes> {
    Policy::standard().tool("search", requires::<ToolsRead>())
}

fn main() {}
