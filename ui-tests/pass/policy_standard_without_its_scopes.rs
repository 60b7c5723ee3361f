//! The standard policy is for vocabularies that know the standard scopes.
//! Stops operations of the protocol that no token could be granted.

use clearance::mcp::{McpScopes, Policy};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type Known = (McpScopes, db::DbScopes);

fn policy() -> Policy<db::DbScopes> {
    Policy::closed()
}

fn main() {}
