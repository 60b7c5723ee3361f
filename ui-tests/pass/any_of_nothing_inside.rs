//! There is no choice among nothing inside of another choice either.
//! Stops a set without alternatives that is wrapped once more.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::AnyOf;

fn handler(_: Authorized<AnyOf<(ToolsRead, AnyOf<(ToolsRead,)>)>>) {}

fn main() {}
