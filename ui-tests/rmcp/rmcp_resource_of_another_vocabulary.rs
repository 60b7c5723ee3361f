//! A proof is of the vocabulary of the router's guard.
//! Stops a resource that demands a scope which the guard cannot check.

use clearance::mcp::McpScopes;
use clearance::rmcp::SecureResourceRouter;
use clearance::{Authorized, Guard};
use rmcp::model::ResourceTemplate;

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
struct Files;

impl Files {
    async fn file(&self, _: Authorized<FilesDelete>) -> String {
        String::new()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureResourceRouter<Files, McpScopes> {
    let template = ResourceTemplate::new("file:///{name}", "file");
    SecureResourceRouter::new(guard).template(template, Files::file)
}

fn main() {}
