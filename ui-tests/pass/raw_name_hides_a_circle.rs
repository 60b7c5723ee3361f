//! A scope does not include itself by a name that is spelled otherwise.
//! Stops `r#`, which the macro's own check takes for another name.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write" includes r#FilesRead;
}

fn main() {}
