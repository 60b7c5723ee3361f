//! A policy over included scopes alone is not one over the larger vocabulary.
//! Stops a layer that looks as if it knew what its guard knows.

use clearance::mcp::{McpScopes, Policy};
use clearance::{AuthorizationLayer, Guard, LayerBuilder};

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}

type Guards = (Guard<McpScopes>, Guard<files::FilesScopes>);

fn layer(guard: &Guard<files::FilesScopes>) -> LayerBuilder<McpScopes> {
    AuthorizationLayer::builder(guard, Policy::<McpScopes>::standard())
}

fn main() {}
