//! The constructor of a proof is for the guard alone.
//! Stops a scoped token of unknown origin from becoming a proof.

use clearance::Authorized;
use clearance::id::CorrelationId;
use clearance::mcp::ToolsExecute;
use clearance::token::{Scoped, Token};

type Checked = Token<Scoped<ToolsExecute>>;

fn proof(proof: Authorized<ToolsExecute>) -> Authorized<ToolsExecute> {
    proof
}

fn of(_: Checked, _: CorrelationId) {}

fn main() {}
