//! A handler demands scopes of its router's guard.
//! Stops a scope of another vocabulary, which no token of this guard has.

use clearance::mcp::method::Other;
use clearance::mcp::{CallError, McpScopes, Router, ToolsExecute};
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

async fn drop_table(_: Authorized<ToolsExecute>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).method(Other("db/drop"), drop_table)
}

fn main() {}
