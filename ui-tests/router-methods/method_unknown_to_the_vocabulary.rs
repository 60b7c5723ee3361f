//! A guard whose vocabulary lacks a method's scope cannot prove it.
//! Stops a demand that no token of this guard would ever meet.

use clearance::mcp::method::CompletionComplete;
use clearance::mcp::{CallError, CompletionRead, McpScopes, Router};
use clearance::{Authorized, Guard};

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Read files.
    pub FilesRead = "files:read";
}

fn of(_: McpScopes) {}

async fn complete(_: Authorized<CompletionRead>) -> Result<(), CallError> {
    Ok(())
}

fn app(guard: &Guard<FilesScopes>) {
    let _ = Router::new(guard).method(CompletionComplete, complete);
}

fn main() {}
