//! A scope does not include itself.
//! Stops a slip that would mean nothing, or everything.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write" includes FilesWrite;
}

fn main() {}
