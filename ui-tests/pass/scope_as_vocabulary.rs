//! A guard is over a vocabulary, and not over a scope.
//! Stops a slip that would leave the guard without a list of scopes.

use clearance::id::{Issuer, Resource};
use clearance::{ConfigError, Guard};

fn guard(resource: Resource, issuer: Issuer) -> Result<(), ConfigError> {
    Guard::<clearance::mcp::McpScopes>::builder(resource)
        .issuer(issuer)
        .build()?;
    Ok(())
}

fn main() {}
