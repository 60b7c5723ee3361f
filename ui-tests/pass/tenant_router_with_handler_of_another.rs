//! The same over the guard of its own tenant.

use clearance::mcp::{self, RouterError, ToolError};
use clearance::tenants::Tenant;
use clearance::{Authorized, Guard};

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

async fn search(_: Authorized<NotesSearch>) -> Result<&'static str, ToolError> {
    Ok("a note")
}

fn tenant(guard: &Guard<NoteScopes>) -> Result<Tenant, RouterError> {
    let service = mcp::Router::new(guard).tool("search", search).build()?;
    Ok(Tenant::new(guard, service))
}

fn main() {}
