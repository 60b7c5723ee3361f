//! A proof lives as long as its request.
//! Stops a copy that is kept for the next request, which may be somebody else's.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn keep(auth: Authorized<ToolsExecute>, kept: &mut Vec<Authorized<ToolsExecute>>) {
    kept.push(auth);
}

fn main() {}
