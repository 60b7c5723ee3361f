//! There is no choice among nothing.
//! Stops a demand that nobody meets, or everybody.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::AnyOf;

fn handler(_: Authorized<AnyOf<()>>) {}

fn of(_: Authorized<ToolsRead>) {}

fn main() {}
