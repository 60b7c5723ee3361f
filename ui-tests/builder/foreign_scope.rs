//! A guard authorizes for scopes of its vocabulary.
//! Stops a scope that the guard cannot tell from one of its own.

use axum::http::request::Parts;
use clearance::Guard;
use clearance::mcp::{McpScopes, ToolsRead};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

fn check(guard: &Guard<McpScopes>, parts: &mut Parts) {
    let _decision = guard.authorize::<db::Drop>(parts);
}

fn of(_: ToolsRead) {}

fn main() {}
