//! A tenant is made of a guard alone, which says what its resource is.
//! Stops a tenant whose resource is that of another one.

use axum::Router;
use clearance::Guard;
use clearance::id::Resource;
use clearance::mcp::McpScopes;
use clearance::tenants::Tenant;

fn tenant(guard: &Guard<McpScopes>, resource: Resource, service: Router) -> Tenant {
    let tenant = Tenant::new(guard, service);
    Tenant { resource, ..tenant }
}

fn main() {}
