//! The same with a tenant.

use axum::Router;
use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::tenants::{SetError, Tenant, Tenants};

type May = Tenant;

fn add(
    tenants: &Tenants,
    guard: &Guard<McpScopes>,
    service: Router,
) -> Result<bool, SetError> {
    tenants.set(Tenant::new(guard, service))
}

fn main() {}
