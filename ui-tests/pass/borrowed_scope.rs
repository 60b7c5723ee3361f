//! A reference to a scope is no scope.
//! Stops a second type that stands for the same scope.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

fn call(_: Authorized<ToolsExecute>) {}

fn main() {}
