//! A scope includes scopes that are declared above it.
//! Stops circles before they can be closed, and keeps the list readable.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Everything.
    pub FilesAdmin = "files:admin" includes FilesRead;
    /// Delete files.
    pub FilesDelete = "files:delete";
}

fn main() {}
