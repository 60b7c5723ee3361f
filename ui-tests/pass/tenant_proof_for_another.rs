//! The same for the tenant whose proof it is.

use clearance::Authorized;

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
use acme::NotesSearch;
use zeta::FilesSearch;

type Both = (NotesSearch, FilesSearch);

fn search_notes(_: &Authorized<NotesSearch>) {}

fn at_zeta(auth: &Authorized<NotesSearch>) {
    search_notes(auth);
}

fn main() {}
