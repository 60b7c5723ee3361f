//! A scope does not have the text of one that its vocabulary includes.
//! Stops a scope of one's own from being granted with a standard one.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
    /// Delete files.
    pub FilesDelete = "files:delete";
}

fn main() {}
