//! A resource is an identifier that was parsed.
//! Stops an audience with a fragment, without a host, or over plain http.

use clearance::id::{IdentifierError, Resource};
use clearance::mcp::McpScopes;
use clearance::{Guard, GuardBuilder, WantsIssuer};

type Begun = GuardBuilder<McpScopes, WantsIssuer>;

fn begin() -> Result<Begun, IdentifierError> {
    Ok(Guard::builder("https://files.example.com/mcp"))
}

fn of(_: Resource) {}

fn main() {}
