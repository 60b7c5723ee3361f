//! `offline_access` is asked of the authorization server, never of a resource.
//! Stops challenges that make every client ask for refresh tokens.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
