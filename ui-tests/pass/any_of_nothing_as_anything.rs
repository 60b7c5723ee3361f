//! A choice among nothing grants nothing.
//! Stops a set without alternatives, all of which would meet whatever is wanted.

use clearance::mcp::ToolsExecute;
use clearance::scope::{AnyOf, Grants, Set};

fn demand<H: Grants<N>, N: Set>() {}

fn main() {
    demand::<AnyOf<(ToolsExecute,)>, ToolsExecute>();
}
