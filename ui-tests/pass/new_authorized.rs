//! The constructor of a proof is for the guard alone.
//! Stops a scoped token of unknown origin from becoming a proof.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use clearance::token::{Scoped, Token};

fn proof(proof: Authorized<ToolsExecute>) -> Authorized<ToolsExecute> {
    proof
}

fn of(_: Token<Scoped<ToolsExecute>>) {}

fn main() {}
