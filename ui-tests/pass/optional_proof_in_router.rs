//! A router takes no handler that would do without the proof.
//! Stops a handler that serves callers without rights; as axum says it.

use axum::Router;
use axum::routing::post;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard, Refusal};

async fn call(auth: Result<Authorized<ToolsExecute>, Refusal>) -> String {
    format!("{auth:?}")
}

fn app(guard: Guard<McpScopes>) -> Router {
    Router::new().route("/call", post(call)).with_state(guard)
}

fn of(_: Refusal) {}

fn main() {}
