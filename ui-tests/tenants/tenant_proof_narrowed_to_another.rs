//! A proof of one tenant's vocabulary does not narrow to a scope of another's, though both include the
//! same scopes. Stops bits of one customer that are read as those of another one.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

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

type All = (ToolsExecute, FilesSearch);

fn narrowed(auth: Authorized<(ToolsExecute, NotesSearch)>) -> Authorized<FilesSearch> {
    auth.narrow()
}

fn main() {}
