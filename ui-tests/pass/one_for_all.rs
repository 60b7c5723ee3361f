//! One scope does not grant a set of which it is a member.
//! Stops "all of" from being read as "one of".

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn demand(_: Authorized<(ToolsRead, ToolsExecute)>) {}

fn call(auth: Authorized<(ToolsExecute, ToolsRead)>) {
    demand(auth.narrow());
}

fn main() {}
