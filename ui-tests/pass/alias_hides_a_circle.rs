//! Scopes do not include one another in a circle that is written with an alias.
//! Stops a second name, which the macro's own check takes for somebody else's scope.

type Alias = FilesWrite;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write" includes FilesRead;
}

fn of(_: Alias) {}

fn main() {}
