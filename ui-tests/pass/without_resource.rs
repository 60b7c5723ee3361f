//! A guard without a resource cannot be begun.
//! Stops a server that accepts tokens for any resource.

use clearance::id::{Issuer, Resource};
use clearance::mcp::McpScopes;
use clearance::{ConfigError, Guard};

fn guard(resource: Resource, issuer: Issuer) -> Result<Guard<McpScopes>, ConfigError> {
    println!("{resource}");
    Guard::<McpScopes>::builder(resource).issuer(issuer).build()
}

fn main() {}
