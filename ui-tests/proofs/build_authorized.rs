//! A proof cannot be put together from its parts.
//! Stops a proof that no guard has made.

use clearance::Authorized;
use clearance::id::CorrelationId;
use clearance::mcp::ToolsExecute;
use clearance::token::{Scoped, Token};

type Checked = Token<Scoped<ToolsExecute>>;

fn proof(token: Checked, correlation: CorrelationId) -> Authorized<ToolsExecute> {
    Authorized { token, correlation }
}

fn of(_: Checked, _: CorrelationId) {}

fn main() {}
