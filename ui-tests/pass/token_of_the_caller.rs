//! What a proof tells of its caller.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn name(auth: &Authorized<ToolsExecute>) -> String {
    format!("{} with {}", auth.subject(), auth.client())
}

fn main() {}
