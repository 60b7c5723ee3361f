//! A tenant has a guard.
//! Stops a service that is served to whoever knows its name.

use axum::Router;
use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::tenants::Tenant;

fn tenant(guard: &Guard<McpScopes>, service: Router) -> Tenant {
    Tenant::new(service)
}

fn main() {}
