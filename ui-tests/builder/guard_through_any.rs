//! `Any` gives a guard back as what it was.
//! Stops a guard from changing its vocabulary on the way through a box.

use std::any::Any;

use clearance::Guard;
use clearance::mcp::McpScopes;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn turned(guard: Guard<McpScopes>) -> Option<Box<Guard<FilesScopes>>> {
    let any: Box<dyn Any> = Box::new(guard);
    Some(any)
}

fn main() {}
