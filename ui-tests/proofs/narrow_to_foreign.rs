//! A proof does not narrow to a scope of a vocabulary that has nothing to do with its own.
//! Stops two vocabularies whose bits happen to be the same.

use clearance::Authorized;

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

fn demand(_: Authorized<db::Drop>) {}

fn narrowed(auth: Authorized<FilesRead>) -> Authorized<db::Drop> {
    auth.narrow()
}

fn main() {}
