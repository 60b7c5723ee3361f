//! Scopes do not include one another in a circle that is written with paths.
//! Stops a path, which the macro's own check takes for somebody else's scope.

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes;
        /// Look at files.
        pub Look = "files:look";
        /// Write files.
        pub Write = "files:write" includes super::files::Look;
    }
}

fn main() {}
