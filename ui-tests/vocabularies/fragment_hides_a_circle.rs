//! Scopes do not include one another in a circle that another macro closes.
//! Stops a fragment, which stands for a name that is not written there.

macro_rules! files {
    ($included:ty) => {
        clearance::scopes! {
            /// What a caller may do with files.
            pub vocabulary FilesScopes;
            /// Log in.
            pub FilesLogin = "files:login";
            /// Look at files.
            pub FilesRead = "files:read" includes $included;
            /// Write files.
            pub FilesWrite = "files:write" includes FilesRead;
        }
    };
}

files!(FilesWrite);

fn main() {}
