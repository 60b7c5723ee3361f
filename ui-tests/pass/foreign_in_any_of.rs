//! A scope of another vocabulary stays foreign wherever it stands in a set.
//! Stops a foreign bit that hides beside a shared scope, in an alternative.

use clearance::Authorized;
use clearance::mcp::ToolsRead;
use clearance::scope::AnyOf;

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

fn demand(_: Authorized<AnyOf<(files::Delete, (files::Delete, ()))>>) {}

type Hidden = AnyOf<(files::Delete, (ToolsRead, files::Delete))>;

fn call(auth: Authorized<(ToolsRead, Hidden)>) {
    demand(auth.narrow());
}

fn main() {}
