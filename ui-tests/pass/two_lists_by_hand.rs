//! Two vocabularies cannot be put one after the other by hand either.
//! Stops scopes of the second one from having bits of the first.

use clearance::mcp::McpScopes;
use clearance::scope::{Appended, Vocabulary};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type McpList = <McpScopes as Vocabulary>::List;
type DbList = <db::DbScopes as Vocabulary>::List;

struct Both;

impl Vocabulary for Both {
    type List = Appended<McpList, clearance::scope::Nil>;
}

fn of(_: DbList) {}

fn main() {}
