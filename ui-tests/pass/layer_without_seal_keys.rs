//! A layer has keys that seal its sessions.
//! Stops sessions that belong to whoever knows their id.

use clearance::mcp::{McpScopes, Policy};
use clearance::session;
use clearance::{AuthorizationLayer, Guard, LayerError};

type Keys = session::SealKeys;

fn layer(guard: &Guard<McpScopes>, keys: Keys) -> Result<AuthorizationLayer, LayerError> {
    let builder = AuthorizationLayer::builder(guard, Policy::standard());
    builder.seal_keys(keys).build()
}

fn main() {}
