//! State without a guard gives no proof.
//! Stops a server in which the guard was forgotten.

use axum::extract::FromRequestParts;
use clearance::Authorized;
use clearance::mcp::ToolsExecute;

#[derive(Clone)]
struct App;

type WithGuard = clearance::Guard<clearance::mcp::McpScopes>;

fn need<T: FromRequestParts<St>, St>() {}

fn main() {
    need::<Authorized<ToolsExecute>, App>();
}
