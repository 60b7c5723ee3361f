//! One tenant.

use std::fmt;

use axum::Router;

use crate::guard::{Guard, Tenancy};
use crate::id::Resource;

/// One tenant: a guard and the service behind it.
///
/// The service is what you would serve if there were no other tenant: an [`mcp::Router`](crate::mcp::Router),
/// any service behind an [`AuthorizationLayer`](crate::AuthorizationLayer), `rmcp`'s among them, or routes of
/// your own; with the metadata routes, which the first two have. It sees the requests as they came.
///
/// # Proves
/// Whoever is let in within the service was let in by the tenant's own guard: every other guard refuses
/// there, also if the service asks it by mistake.
///
/// # Does not prove
/// That the service keeps apart what it stores. A service that several tenants share knows whom it works for
/// by [`Authorized::resource`](crate::Authorized::resource). Nor that another guard refuses a request whose
/// extensions a middleware has thrown away: it does not know then whom the request is for, and judges it by
/// its token alone.
///
/// # Examples
/// ```
/// use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute};
/// use clearance::tenants::Tenant;
/// use clearance::{Authorized, Guard};
///
/// async fn search(auth: Authorized<ToolsExecute>) -> Result<String, ToolError> {
///     Ok(format!("{} searches in {}", auth.subject(), auth.resource()))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://mcp.example.com/acme/mcp".parse()?)
///     .issuer("https://login.acme.example".parse()?)
///     .build()?;
/// let tenant = Tenant::new(&guard, mcp::Router::new(&guard).tool("search", search).build()?);
/// assert_eq!(tenant.resource(), guard.resource());
/// # Ok(())
/// # }
/// ```
#[must_use = "a tenant is served when it is given to `Tenants`"]
pub struct Tenant {
    resource: Resource,
    pub(super) tenancy: Tenancy,
    pub(super) service: Router,
}

impl Tenant {
    /// The tenant of this guard, whose resource says where it is.
    pub fn new<V>(guard: &Guard<V>, service: Router) -> Self {
        Self {
            resource: guard.inner().acceptance().resource().clone(),
            tenancy: Tenancy::of(guard),
            service,
        }
    }

    /// Another guard that may let requests in within this tenant's service: that of its back office, say.
    ///
    /// It is this tenant's alone, and retired with it.
    pub fn with_guard<V>(mut self, guard: &Guard<V>) -> Self {
        self.tenancy = self.tenancy.and(guard);
        self
    }

    /// The tenant's resource.
    pub const fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
