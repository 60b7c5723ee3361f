//! Every member of a set is a scope or a set.
//! Stops a demand of which one part means nothing.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn handler(_: Authorized<(ToolsRead, String)>) {}

fn of(_: Authorized<ToolsExecute>) {}

fn main() {}
