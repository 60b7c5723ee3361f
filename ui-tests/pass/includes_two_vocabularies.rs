//! A vocabulary includes at most one other.
//! Stops two lists that both begin with the same bit.

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
