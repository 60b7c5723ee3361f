//! The trait that decides what grants what cannot be named.
//! Stops the answer "no" from being declared to mean "yes".

use clearance::scope::grants::Covers;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Delete files.
    pub FilesDelete = "files:delete";
}

impl Covers<FilesRead, FilesDelete> for typenum::B0 {}

mod own {
    pub trait Covers<H, N> {}
}

fn main() {}
