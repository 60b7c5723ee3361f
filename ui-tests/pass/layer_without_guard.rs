//! A layer has a guard.
//! Stops a layer that verifies no token.

use clearance::mcp::{McpScopes, Policy};
use clearance::{AuthorizationLayer, Guard, LayerBuilder};

fn layer(guard: &Guard<McpScopes>) -> LayerBuilder<McpScopes> {
    AuthorizationLayer::builder(guard, Policy::<McpScopes>::standard())
}

fn main() {}
