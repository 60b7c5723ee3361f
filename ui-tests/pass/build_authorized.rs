//! A proof cannot be put together from its parts.
//! Stops a proof that no guard has made.

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
