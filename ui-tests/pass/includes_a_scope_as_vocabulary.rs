//! A vocabulary includes a vocabulary, and not a scope.
//! Stops a list that begins with something else than scopes.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
