//! The empty set belongs to every vocabulary and joins none of them.
//! Stops `()` from making two tuples alike whose scopes have the same bit.

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

fn demand(_: Authorized<(files::Delete, ())>) {}

fn call(auth: Authorized<(db::Drop, ())>) {
    demand(auth.narrow());
}

fn main() {}
