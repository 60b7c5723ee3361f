//! Two vocabularies that include the same one are strangers to one another.
//! Stops two scopes of one bit: both stand first after the included scopes.

use clearance::Authorized;

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Look at files.
        pub Look = "files:look";
    }
}
mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes includes clearance::mcp::McpScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

fn demand(_: Authorized<db::Drop>) {}

fn call(auth: Authorized<files::Look>) {
    demand(auth.narrow());
}

fn main() {}
