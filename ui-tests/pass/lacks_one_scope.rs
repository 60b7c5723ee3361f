//! A set that lacks one scope does not grant what needs it.
//! Stops a caller who has nearly everything that is needed.

use clearance::Authorized;
use clearance::mcp::{ResourcesRead, ToolsExecute, ToolsRead};

fn demand(_: Authorized<(ToolsRead, ResourcesRead)>) {}

fn call(auth: Authorized<(ToolsRead, ToolsExecute, ResourcesRead)>) {
    demand(auth.narrow());
}

fn main() {}
