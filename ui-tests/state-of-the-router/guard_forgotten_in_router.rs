//! A router whose state has no guard takes no handler that demands a proof.
//! Stops a server in which the guard was forgotten; as axum says it.

use axum::Router;
use axum::routing::post;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard};

#[derive(Clone)]
struct App;

async fn call(auth: Authorized<ToolsExecute>) -> String {
    format!("{} calls", auth.subject())
}

fn app(guard: App) -> Router {
    Router::new().route("/call", post(call)).with_state(guard)
}

fn of(_: Guard<McpScopes>) {}

fn main() {}
