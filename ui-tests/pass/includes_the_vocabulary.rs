//! A scope includes scopes, and not its vocabulary.
//! Stops one word that would stand for everything, and for all that comes later.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Everything.
    pub FilesAdmin = "files:admin" includes FilesRead;
}

fn main() {}
