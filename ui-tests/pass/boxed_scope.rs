//! A box of a scope is no scope.
//! Stops a wrapper that the orphan rule treats as if it were not there.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn call(_: Authorized<ToolsExecute>) {}

fn main() {}
