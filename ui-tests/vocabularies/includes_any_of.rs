//! A scope includes scopes, and not a choice among them.
//! Stops a scope that grants one thing or another, and nobody knows which.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write";
    /// Everything.
    pub FilesAdmin = "files:admin" includes clearance::scope::AnyOf<(FilesRead, FilesWrite)>;
}

fn main() {}
