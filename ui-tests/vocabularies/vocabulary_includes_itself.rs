//! A vocabulary does not include itself.
//! Stops a list without an end.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes includes FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
