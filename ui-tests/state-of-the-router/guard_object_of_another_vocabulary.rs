//! A guard behind a trait object keeps its vocabulary.
//! Stops `dyn Guarded` from lending out a guard under another name.

use clearance::mcp::McpScopes;
use clearance::{Guard, Guarded};

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn lent(guard: &Guard<McpScopes>) -> &dyn Guarded<Vocabulary = FilesScopes> {
    guard
}

fn main() {}
