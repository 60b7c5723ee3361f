//! A proof has no text that a client could send.
//! Stops the token passthrough that the MCP specification forbids.

use std::fmt::Display;

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn bearer_auth(token: impl Display) -> String {
    format!("Bearer {token}")
}

fn upstream(auth: &Authorized<ToolsExecute>, own_token: &str) -> String {
    println!("{} with {}", auth.subject(), own_token.len());
    bearer_auth(own_token)
}

fn main() {}
