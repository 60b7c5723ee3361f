//! A router without state takes no handler that demands a proof.
//! Stops a server that never heard of a guard.

use axum::Router;
use axum::routing::post;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard};

async fn call(auth: Authorized<ToolsExecute>) -> String {
    format!("{} calls", auth.subject())
}

fn app(guard: Guard<McpScopes>) -> Router {
    println!("{}", guard.resource());
    Router::new().route("/call", post(call)).with_state(guard)
}

fn main() {}
