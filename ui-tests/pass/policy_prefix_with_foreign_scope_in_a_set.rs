//! Every scope that a rule demands is one of the policy's vocabulary.
//! Stops a foreign scope that hides in a set.

use clearance::mcp::{McpScopes, Policy, ToolsExecute, ToolsRead, requires};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type May = (ToolsRead, db::Drop);

fn policy() -> Policy<McpScopes> {
    Policy::standard().tool_prefix("db_", requires::<(ToolsExecute, ToolsRead)>())
}

fn main() {}
