//! What a rule demands for some arguments is of the policy's vocabulary, too.
//! Stops a foreign scope that only comes to light with a certain call.

use clearance::mcp::{McpScopes, Policy, ToolsExecute, ToolsRead, requires};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type May = (ToolsExecute, db::Drop);

#[derive(Debug, serde::Deserialize)]
struct Target {
    prod: bool,
}

fn policy() -> Policy<McpScopes> {
    let rule = requires::<ToolsRead>().when::<db::Drop, Target>(|target| target.prod);
    Policy::standard().tool("deploy", rule)
}

fn main() {}
