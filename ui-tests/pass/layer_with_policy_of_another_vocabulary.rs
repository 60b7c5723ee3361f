//! A layer's policy speaks of what its guard knows.
//! Stops demands whose bits mean something else to the guard.

use clearance::mcp::{McpScopes, Policy};
use clearance::{AuthorizationLayer, Guard, LayerBuilder};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type Policies = (Policy<McpScopes>, Policy<db::DbScopes>);

fn layer(guard: &Guard<McpScopes>, policy: Policy<McpScopes>) -> LayerBuilder<McpScopes> {
    AuthorizationLayer::builder(guard, policy)
}

fn main() {}
