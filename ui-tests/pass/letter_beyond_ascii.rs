//! The text of a scope is ASCII.
//! Stops two scopes that look the same to people and are not.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
