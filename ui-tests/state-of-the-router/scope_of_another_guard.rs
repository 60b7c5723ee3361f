//! A handler demands scopes of its router's guard.
//! Stops a scope of another vocabulary, whose bit means something else to this guard.

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
    need::<Authorized<db::Drop>, Guard<McpScopes>>();
}

fn of(_: ToolsExecute) {}
