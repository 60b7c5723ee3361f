//! The text of a scope has no space.
//! Stops one scope that stands for two in every token.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files read";
}

fn main() {}
