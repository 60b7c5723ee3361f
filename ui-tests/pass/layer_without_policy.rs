//! A layer has a policy.
//! Stops a layer that lets through whoever has a token.

use clearance::mcp;
use clearance::{AuthorizationLayer, Guard, LayerBuilder};

fn layer(guard: &Guard<mcp::McpScopes>) -> LayerBuilder<mcp::McpScopes> {
    AuthorizationLayer::builder(guard, mcp::Policy::standard())
}

fn main() {}
