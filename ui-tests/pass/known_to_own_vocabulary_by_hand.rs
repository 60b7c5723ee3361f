//! A vocabulary of one's own knows the scopes of its list and no others.
//! Stops a public scope from being asked of a guard in whose list it has no bit.

use clearance::mcp::ToolsExecute;
use clearance::scope::KnownTo;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn known<S: KnownTo<FilesScopes>>() {}

fn main() {
    known::<FilesRead>();
    let _ = ToolsExecute;
}
