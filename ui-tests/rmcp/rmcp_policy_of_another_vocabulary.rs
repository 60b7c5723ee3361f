//! Rules are of the vocabulary of their router.
//! Stops a policy whose bits mean something else than its router's.

use clearance::mcp::{McpScopes, Policy};
use clearance::rmcp::SecureToolRouter;

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}
use files::FilesScopes;

#[derive(Clone)]
struct Clock;

type Both = (McpScopes, FilesScopes);

fn policy(tools: &SecureToolRouter<Clock, FilesScopes>) -> Policy<McpScopes> {
    Policy::standard().include(tools)
}

fn main() {}
