//! Two scopes of a vocabulary have different texts.
//! Stops a token that grants two things where one was meant.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Delete files.
    pub FilesDelete = "files:delete";
}

fn main() {}
