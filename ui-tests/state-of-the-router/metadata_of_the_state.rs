//! Metadata is served for a guard, and not for the state that holds it.
//! Stops a slip, and says which value is wanted.

use axum::Router;
use clearance::mcp::McpScopes;
use clearance::{ConfigError, Guard, metadata_routes};

struct App {
    guard: Guard<McpScopes>,
}

fn routes(app: &App) -> Result<Router, ConfigError> {
    println!("{}", app.guard.resource());
    metadata_routes([app])
}

fn main() {}
