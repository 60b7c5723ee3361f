//! A larger vocabulary is no authority over one that it does not include.
//! Stops the longer of two lists from lending its bits to the shorter one.

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
mod more {
    clearance::scopes! {
        /// What a caller may do with files, and more.
        pub vocabulary MoreScopes includes super::files::FilesScopes;
        /// Everything.
        pub Everything = "everything" includes super::files::Look, super::files::Delete;
    }
}

fn narrowed(auth: Authorized<more::Everything>) -> Authorized<db::Drop> {
    auth.narrow()
}

fn main() {}
