//! A trait object is no member of a set.
//! Stops `dyn KnownTo` in the last place of a tuple, where a type without a size may stand.

use clearance::Authorized;
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::scope::{KnownTo, Set};

fn call(_: Authorized<(ToolsRead, dyn KnownTo<McpScopes>)>) {}

fn of<S: Set>(_: S) {}

fn main() {}
