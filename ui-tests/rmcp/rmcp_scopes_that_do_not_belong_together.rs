//! A set is of one vocabulary.
//! Stops bits of two vocabularies that are taken for one another.

use clearance::Authorized;
use clearance::rmcp::Authorize as _;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
        /// Write files.
        pub FilesWrite = "files:write";
    }
}

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub DbDrop = "db:drop";
    }
}
use db::DbDrop;
use files::{FilesDelete, FilesWrite};

type Known = (FilesDelete, FilesWrite, DbDrop);

fn both(cx: &RequestContext<RoleServer>) -> Result<Authorized<(FilesDelete, DbDrop)>, ErrorData> {
    cx.authorize()
}

fn main() {}
