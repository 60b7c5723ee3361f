//! The text of a scope has no quote.
//! Stops a challenge whose parameter ends in the middle of a scope.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
