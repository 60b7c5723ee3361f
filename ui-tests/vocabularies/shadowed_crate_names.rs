//! What stands around `scopes!` does not change what it writes.
//! Stops modules called `clearance` and `core` from switching off its checks.

extern crate clearance as real;

use real::scope::{Grants, Set};

mod clearance {
    pub mod scope {
        pub trait Vocabulary {}
        pub struct Nil;
    }
}
mod core {
    pub mod expansion {
        pub const fn above(_: &[&str], _: &str, _: &[&str]) -> bool {
            true
        }
    }
}

real::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
    /// Write files.
    pub FilesWrite = "files:write" includes FilesRead;
}

fn demand<H: Grants<N>, N: Set>() {}

fn main() {
    demand::<FilesRead, FilesWrite>();
}
