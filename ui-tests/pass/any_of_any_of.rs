//! `AnyOf` takes a tuple, and not another `AnyOf` as it is.
//! Stops a set whose alternatives are those of nobody.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::AnyOf;

fn handler(_: Authorized<AnyOf<(AnyOf<(ToolsRead,)>,)>>) {}

fn main() {}
