//! A handler demands scopes of its router's guard.
//! Stops a scope of another vocabulary, which no token of this guard has.

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type May = Authorized<ToolsExecute>;

async fn drop_table(_: Authorized<db::Drop>) -> Result<(), ToolError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("drop_table", drop_table)
}

fn main() {}
