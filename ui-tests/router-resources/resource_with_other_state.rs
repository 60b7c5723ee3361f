//! A handler takes the state of its own router.
//! Stops a handler that would find no state.

use axum::extract::State;
use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router};
use clearance::{Authorized, Guard};

#[derive(Clone)]
struct Files;

#[derive(Clone)]
struct Database;

async fn read(_: Authorized<ResourcesRead>, _: State<Files>) -> Result<String, CallError> {
    Ok("color = blue".into())
}

fn app(guard: &Guard<McpScopes>, state: Database) {
    let _ = Router::with_state(guard, state).resource("file:///config", read);
}

fn main() {}
