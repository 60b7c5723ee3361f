//! A guard without an issuer cannot be built.
//! Stops a guard that could trust nobody, or anybody.

use clearance::id::{Issuer, Resource};
use clearance::mcp::McpScopes;
use clearance::{ConfigError, Guard};

fn guard(resource: Resource, issuer: Issuer) -> Result<Guard<McpScopes>, ConfigError> {
    println!("{issuer}");
    Guard::<McpScopes>::builder(resource).build()
}

fn main() {}
