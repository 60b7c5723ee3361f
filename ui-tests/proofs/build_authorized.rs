//! A proof cannot be put together from its parts.
//! Stops a proof that no guard has made.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use clearance::token::{Scoped, Token};

fn proof(token: Token<Scoped<ToolsExecute>>) -> Authorized<ToolsExecute> {
    Authorized { token }
}

fn of(_: Token<Scoped<ToolsExecute>>) {}

fn main() {}
