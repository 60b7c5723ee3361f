//! A scope includes scopes, and not a set of them.
//! Stops a slip, and keeps what a scope grants a plain list.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write";
    /// Everything.
    pub FilesAdmin = "files:admin" includes (FilesRead, FilesWrite);
}

fn main() {}
