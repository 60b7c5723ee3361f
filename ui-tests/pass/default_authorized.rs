//! A proof has no default.
//! Stops `unwrap_or_default` from letting everybody in.

use clearance::mcp::ToolsExecute;
use clearance::{Authorized, Refusal};

fn decided(verdict: Result<Authorized<ToolsExecute>, Refusal>) -> Option<Authorized<ToolsExecute>> {
    verdict.ok()
}

fn main() {}
