//! What a proof is good for is not for a vocabulary's owner to say.
//! Stops somebody who may read files from having arguments completed.

use clearance::mcp::{ProofFor, method};
use clearance::{Authorized, scopes};

scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Read files.
    pub FilesRead = "files:read";
}

fn takes<P: ProofFor<method::Other, FilesScopes>>(_: P) {}

impl ProofFor<method::CompletionComplete, FilesScopes> for Authorized<FilesRead> {}

fn main() {}
