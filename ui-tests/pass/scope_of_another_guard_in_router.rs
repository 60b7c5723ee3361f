//! A router takes no handler that demands a scope which its guard does not know.
//! Stops a scope of another vocabulary; as axum says it.

use axum::Router;
use axum::routing::post;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

async fn call(auth: Authorized<ToolsExecute>) -> String {
    format!("{} calls", auth.subject())
}

fn of(_: ToolsExecute) {}

fn app(guard: Guard<McpScopes>) -> Router {
    Router::new().route("/call", post(call)).with_state(guard)
}

fn main() {}
