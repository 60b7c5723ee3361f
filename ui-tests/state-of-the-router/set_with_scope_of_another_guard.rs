//! Every scope of a set is one of the router's guard.
//! Stops a foreign scope that hides in a set.

use axum::extract::FromRequestParts;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

fn need<T: FromRequestParts<St>, St>() {}

fn main() {
    need::<Authorized<(ToolsExecute, db::Drop)>, Guard<McpScopes>>();
}
