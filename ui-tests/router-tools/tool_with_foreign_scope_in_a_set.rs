//! Every scope that a handler demands is one of its router's guard.
//! Stops a foreign scope that hides in a set.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute, ToolsRead};
use clearance::{Authorized, Guard};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type May = Authorized<ToolsRead>;

async fn drop_table(_: Authorized<(ToolsExecute, db::Drop)>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("drop_table", drop_table)
}

fn main() {}
