//! The same with its guard.

use axum::Router;
use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::tenants::Tenant;

fn tenant(guard: &Guard<McpScopes>, service: Router) -> Tenant {
    Tenant::new(guard, service)
}

fn main() {}
