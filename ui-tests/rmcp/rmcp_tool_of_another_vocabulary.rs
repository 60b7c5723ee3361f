//! A proof is of the vocabulary of the router's guard.
//! Stops a tool that demands a scope which the guard cannot check.

use clearance::mcp::McpScopes;
use clearance::rmcp::SecureToolRouter;
use clearance::{Authorized, Guard};
use rmcp::tool;

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}
use files::{FilesDelete, FilesScopes};

type Both = (McpScopes, FilesScopes);

#[derive(Clone)]
struct Clock;

impl Clock {
    #[tool(description = "Wind the clock")]
    async fn wind(&self, _: Authorized<FilesDelete>) -> String {
        "wound".to_owned()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureToolRouter<Clock, McpScopes> {
    SecureToolRouter::new(guard).tool(Clock::wind_tool_attr(), Clock::wind)
}

fn main() {}
