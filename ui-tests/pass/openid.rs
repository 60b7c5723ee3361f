//! `openid` is asked of the authorization server, never of a resource.
//! Stops a sign-in from being taken for a right.

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn main() {}
