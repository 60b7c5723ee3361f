//! Tenants are made of tenants, and not of services.
//! Stops a service that nobody guards at the place of a tenant.

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
    tenants.set(service)
}

fn main() {}
