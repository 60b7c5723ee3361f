//! A tool of the official SDK with a proof of one tenant's vocabulary is not collected for another one.
//! Stops a customer's tool on the server of another customer.

use clearance::rmcp::SecureToolRouter;
use clearance::{Authorized, Guard};
use rmcp::tool;

mod acme {
    clearance::scopes! {
        /// What a caller may do with notes.
        pub vocabulary NoteScopes includes clearance::mcp::McpScopes;
        /// Search notes.
        pub NotesSearch = "notes:search";
    }
}

mod zeta {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FileScopes includes clearance::mcp::McpScopes;
        /// Search files.
        pub FilesSearch = "files:search";
    }
}
use acme::{NoteScopes, NotesSearch};
use zeta::FileScopes;

type Both = (NoteScopes, FileScopes);

#[derive(Clone)]
struct Desk;

impl Desk {
    #[tool(description = "Search notes")]
    async fn search(&self, _: Authorized<NotesSearch>) -> String {
        "a note".to_owned()
    }
}

fn tools(guard: &Guard<FileScopes>) -> SecureToolRouter<Desk, FileScopes> {
    SecureToolRouter::new(guard).tool(Desk::search_tool_attr(), Desk::search)
}

fn main() {}
