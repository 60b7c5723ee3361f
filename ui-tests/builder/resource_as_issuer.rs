//! A resource is no issuer, though both are URIs.
//! Stops a guard that trusts itself.

use clearance::id::{Issuer, Resource};
use clearance::mcp::McpScopes;
use clearance::{Guard, GuardBuilder, Ready};

fn begin(resource: Resource, issuer: Issuer) -> GuardBuilder<McpScopes, Ready> {
    println!("{issuer}");
    Guard::builder(resource.clone()).issuer(resource)
}

fn main() {}
