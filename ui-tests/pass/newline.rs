//! The text of a scope has no line break.
//! Stops a challenge that goes on as another header field.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
