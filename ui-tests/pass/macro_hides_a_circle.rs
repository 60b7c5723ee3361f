//! Scopes do not include one another in a circle that a type macro closes.
//! Stops a macro, which the check of `scopes!` does not look into.

macro_rules! later {
    () => {
        FilesWrite
    };
}

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write" includes FilesRead;
}

fn of(_: later!()) {}

fn main() {}
