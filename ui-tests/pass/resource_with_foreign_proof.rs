//! A handler demands scopes of its router's guard.
//! Stops a scope of another vocabulary, which no token of this guard has.

use clearance::mcp::{CallError, McpScopes, ResourcesRead, Router};
use clearance::{Authorized, Guard};

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes includes McpScopes;
    /// Read files.
    pub FilesRead = "files:read" includes ResourcesRead;
}

async fn config(_: Authorized<FilesRead>) -> Result<String, CallError> {
    Ok("color = blue".into())
}

fn app(guard: &Guard<FilesScopes>) {
    let _ = Router::new(guard).resource("file:///config", config);
}

fn main() {}
