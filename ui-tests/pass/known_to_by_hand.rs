//! Whether a vocabulary knows a scope follows from its list.
//! Stops a scope that smuggles itself into somebody else's vocabulary.

use clearance::scope::KnownTo;

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
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn known<S: KnownTo<FilesScopes>>() {}

fn main() {
    known::<FilesRead>();
}
