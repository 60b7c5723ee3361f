//! What a scope includes does not grant the scope.
//! Stops somebody who may delete files from becoming their administrator.

use clearance::Authorized;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Delete files.
    pub FilesDelete = "files:delete";
    /// Everything.
    pub FilesAdmin = "files:admin" includes FilesDelete;
}

fn demand(_: Authorized<FilesAdmin>) {}

fn narrowed(auth: Authorized<FilesDelete>) -> Authorized<FilesAdmin> {
    auth.narrow()
}

fn main() {}
