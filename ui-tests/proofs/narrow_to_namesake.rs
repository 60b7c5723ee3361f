//! A proof does not narrow to a scope of the same text in another vocabulary.
//! Stops two lists that are equal word for word from being taken for one.

use clearance::Authorized;

mod acme {
    clearance::scopes! {
        /// What a caller may do at Acme.
        pub vocabulary AcmeScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
        /// Everything.
        pub FilesAdmin = "files:admin" includes FilesDelete;
    }
}
mod globex {
    clearance::scopes! {
        /// What a caller may do at Globex.
        pub vocabulary GlobexScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
        /// Everything.
        pub FilesAdmin = "files:admin" includes FilesDelete;
    }
}

fn narrowed(auth: Authorized<globex::FilesAdmin>) -> Authorized<acme::FilesDelete> {
    auth.narrow()
}

fn main() {}
