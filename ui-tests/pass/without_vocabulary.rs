//! A guard without a vocabulary cannot be begun.
//! Stops a guard that knows no scopes, and would let them all pass.

use clearance::id::{Issuer, Resource};
use clearance::mcp::McpScopes;
use clearance::{ConfigError, Guard};

fn describe(resource: Resource, issuer: Issuer) -> Result<String, ConfigError> {
    let guard = Guard::<McpScopes>::builder(resource)
        .issuer(issuer)
        .build()?;
    Ok(format!("{guard:?}"))
}

fn of(_: Guard<McpScopes>) {}

fn main() {}
