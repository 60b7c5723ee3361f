//! An optional guard is none.
//! Stops a configuration in which everybody is let in because nothing was configured.

use axum::extract::FromRequestParts;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard};

fn need<T: FromRequestParts<St>, St>() {}

fn main() {
    need::<Authorized<ToolsExecute>, Option<Guard<McpScopes>>>();
}
