//! The text of a scope is written where the scope is declared.
//! Stops a text that a reader of the declaration does not see.

const READ: &str = "files:read";

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = READ;
}

fn main() {
    println!("{READ}");
}
