//! A proof does not contain the text of the token.
//! Stops the token from being passed on to an upstream server.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn credential(auth: &Authorized<ToolsExecute>) -> String {
    format!("on behalf of {}", auth.subject())
}

fn main() {}
