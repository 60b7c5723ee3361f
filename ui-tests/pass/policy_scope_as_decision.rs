//! A rule says what it does with a scope.
//! Stops a rule of which nobody knows whether it demands the scope, or one of many.

use clearance::mcp::{Policy, requires};

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}

fn of<S: clearance::scope::Set>() {
    let _ = requires::<S>();
}

fn policy() -> Policy<files::FilesScopes> {
    Policy::standard().tool("delete_file", requires::<files::FilesDelete>())
}

fn main() {}
