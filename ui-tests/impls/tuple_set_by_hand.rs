//! A tuple is a set if its members are, and not because somebody says so.
//! Stops a set whose second member is a type of one's own.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::Set;

struct Everything;

impl Set for (ToolsRead, Everything) {}

fn of_a_set<S: Set>(_: &Authorized<S>) {}

fn main() {
    let _ = (ToolsRead, Everything);
}
