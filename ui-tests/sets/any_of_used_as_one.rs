//! `AnyOf` does not grant a member of the holder's choice.
//! Stops a proof of the weakest member from becoming one of the strongest.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};
use clearance::scope::AnyOf;

fn demand(_: Authorized<ToolsExecute>) {}

fn call(auth: Authorized<AnyOf<(ToolsRead, ToolsExecute)>>) {
    demand(auth.narrow());
}

fn main() {}
