//! `AnyOf` takes a tuple, of one scope too.
//! Stops a slip: parentheses without a comma are no tuple.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::AnyOf;

fn handler(_: Authorized<AnyOf<(ToolsRead,)>>) {}

fn main() {}
