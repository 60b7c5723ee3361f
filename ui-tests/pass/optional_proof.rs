//! A proof cannot be asked for and then gone without.
//! Stops a handler that takes `None` for a caller without rights, and serves him.

use axum::extract::FromRequestParts;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard, Refusal};

fn need<T: FromRequestParts<St>, St>() {}

fn main() {
    need::<Result<Authorized<ToolsExecute>, Refusal>, Guard<McpScopes>>();
}

fn of(_: Refusal) {}
