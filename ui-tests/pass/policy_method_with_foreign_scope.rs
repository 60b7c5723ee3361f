//! A rule about a method demands scopes of the policy's vocabulary.
//! Stops a method that is opened, or closed, by a scope which the guard cannot tell from its own.

use clearance::mcp::method::Other;
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
    Policy::standard().method(Other("example/index"), requires::<ToolsExecute>())
}

fn main() {}
