//! A guard in the request's extensions is found by nobody.
//! Stops a guard that is missing at run time, when the layer was forgotten.

use axum::Extension;
use axum::extract::FromRequestParts;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard};

fn need<T: FromRequestParts<St>, St>() {}

fn main() {
    need::<Authorized<ToolsExecute>, Extension<Guard<McpScopes>>>();
}

fn of(_: Extension<()>) {}
