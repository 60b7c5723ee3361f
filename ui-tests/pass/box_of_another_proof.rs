//! A box of one proof is no box of another.
//! Stops a proof that changes its type when it moves to the heap.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn boxed(auth: Authorized<ToolsExecute>) -> Box<Authorized<ToolsExecute>> {
    Box::new(auth)
}

fn of(_: ToolsRead) {}

fn main() {}
