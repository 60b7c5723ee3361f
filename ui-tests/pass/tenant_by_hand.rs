//! The same by its guard.

use axum::Router;
use clearance::Guard;
use clearance::id::Resource;
use clearance::mcp::McpScopes;
use clearance::tenants::Tenant;

fn tenant(guard: &Guard<McpScopes>, resource: Resource, service: Router) -> Tenant {
    let tenant = Tenant::new(guard, service);
    tenant
}

fn main() {}
