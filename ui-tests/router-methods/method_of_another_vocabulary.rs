//! A method of the protocol demands its scope of every vocabulary.
//! Stops a router that would serve it to whoever has a scope of the server's own.

use clearance::mcp::method::CompletionComplete;
use clearance::mcp::{CallError, Router};
use clearance::{Authorized, Guard};

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Read files.
    pub FilesRead = "files:read";
}

async fn complete(_: Authorized<FilesRead>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<FilesScopes>) -> Router<FilesScopes> {
    Router::new(guard).method(CompletionComplete, complete)
}

fn main() {}
