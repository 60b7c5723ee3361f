//! A scope includes only scopes that its own vocabulary knows.
//! Stops a scope that grants bits which mean something else here.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
    /// Everything.
    pub FilesAdmin = "files:admin" includes clearance::mcp::ToolsExecute;
}

fn main() {}
