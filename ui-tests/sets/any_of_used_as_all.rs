//! `AnyOf` does not grant all of its members.
//! Stops "one of" from being read as "all of".

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};
use clearance::scope::AnyOf;

fn demand(_: Authorized<(ToolsRead, ToolsExecute)>) {}

fn call(auth: Authorized<AnyOf<(ToolsRead, ToolsExecute)>>) {
    demand(auth.narrow());
}

fn of(_: Authorized<AnyOf<(ToolsRead, ToolsExecute)>>) {}

fn main() {}
