//! The text of a scope has no backslash.
//! Stops a challenge in which the next character is escaped.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files\\read";
}

fn main() {}
