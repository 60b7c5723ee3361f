//! The constructor of a proof is for the guard alone.
//! Stops a scoped token of unknown origin from becoming a proof.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use clearance::token::{Scoped, Token};

fn proof(token: Token<Scoped<ToolsExecute>>) -> Authorized<ToolsExecute> {
    Authorized::new(token)
}

fn of(_: Token<Scoped<ToolsExecute>>) {}

fn main() {}
