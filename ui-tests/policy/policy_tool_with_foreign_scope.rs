//! A policy demands scopes of its own vocabulary.
//! Stops a rule that no token of this guard can meet, or that another one's bits meet by chance.

use clearance::mcp::{McpScopes, Policy, ToolsExecute, requires};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type May = (ToolsExecute, db::Drop);

fn policy() -> Policy<McpScopes> {
    Policy::standard().tool("drop_table", requires::<db::Drop>())
}

fn main() {}
