//! A guard whose vocabulary lacks a list's scope says what stands in its place.
//! Stops a list that no token of this guard would ever open.

use clearance::Guard;
use clearance::mcp::Router;
use clearance::mcp::method::ToolsList;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Read files.
    pub FilesRead = "files:read";
}

fn app(guard: &Guard<FilesScopes>) -> Router<FilesScopes> {
    Router::new(guard).list(ToolsList.demanding::<FilesRead>())
}

fn main() {}
