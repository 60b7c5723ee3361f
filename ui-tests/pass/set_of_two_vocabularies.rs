//! Scopes of two strange vocabularies in one set do not add up.
//! Stops a bit of the one from counting as a scope of the other.

use clearance::Authorized;

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Look at files.
        pub Look = "files:look";
        /// Delete files.
        pub Delete = "files:delete";
    }
}
mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes includes clearance::mcp::McpScopes;
        /// Look at tables.
        pub Look = "db:look";
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

fn demand(_: Authorized<files::Delete>) {}

fn call(auth: Authorized<(files::Look, files::Delete)>) {
    demand(auth.narrow());
}

fn main() {}
