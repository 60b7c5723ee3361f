//! State holds a guard over the vocabulary that it names.
//! Stops an application that lends out a guard under another name.

use clearance::mcp::McpScopes;
use clearance::{Guard, Guarded};

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

struct App {
    guard: Guard<McpScopes>,
}

impl Guarded for App {
    type Vocabulary = FilesScopes;

    fn guard(&self) -> &Guard<Self::Vocabulary> {
        &self.guard
    }
}

fn main() {}
