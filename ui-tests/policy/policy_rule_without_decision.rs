//! A rule decides something.
//! Stops a tool that is open to everybody because nobody said otherwise.

use clearance::mcp::{McpScopes, Policy, any_valid_token};

fn whoever() -> impl clearance::mcp::Decision {
    any_valid_token()
}

fn policy() -> Policy<McpScopes> {
    Policy::standard().tool("whoami", ())
}

fn main() {}
