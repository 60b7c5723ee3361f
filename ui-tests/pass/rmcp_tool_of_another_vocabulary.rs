//! The same on a router of a guard that knows the scope.

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

fn router(guard: &Guard<FilesScopes>) -> SecureToolRouter<Clock, FilesScopes> {
    SecureToolRouter::new(guard).tool(Clock::wind_tool_attr(), Clock::wind)
}

fn main() {}
