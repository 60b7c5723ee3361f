//! The same with a tenant.

use axum::Router;
use clearance::Guard;
use clearance::mcp::McpScopes;
use clearance::tenants::{Tenant, TenantName, TenantUnavailable, Tenants, TenantsBuilder};

type May = Tenant;

fn tenants(guard: Guard<McpScopes>, service: Router) -> TenantsBuilder {
    let load = move |_: TenantName| {
        let (guard, service) = (guard.clone(), service.clone());
        async move { Ok::<_, TenantUnavailable>(Some(Tenant::new(&guard, service))) }
    };
    Tenants::builder("https://mcp.example.com/{tenant}/mcp").loader(load)
}

fn main() {}
