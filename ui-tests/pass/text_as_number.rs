//! The text of a scope is text, and not a number.
//! Stops a bit that somebody has chosen where a text belongs.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
