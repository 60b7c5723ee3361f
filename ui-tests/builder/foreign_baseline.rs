//! The scopes that a guard advertises are scopes of its vocabulary.
//! Stops clients from being sent for scopes that open nothing here.

use clearance::mcp;
use clearance::{GuardBuilder, Ready};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type Builder = GuardBuilder<mcp::McpScopes, Ready>;

fn advertise(builder: Builder) -> Builder {
    builder.baseline::<db::Drop>()
}

fn main() {}
