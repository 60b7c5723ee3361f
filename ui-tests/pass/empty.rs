//! The text of a scope is not empty.
//! Stops a scope that every token would name.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
