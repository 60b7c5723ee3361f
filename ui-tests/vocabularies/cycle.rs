//! Scopes do not include one another in a circle.
//! Stops two scopes that are the same without saying so.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read" includes FilesWrite;
    /// Write files.
    pub FilesWrite = "files:write" includes FilesRead;
}

fn main() {}
