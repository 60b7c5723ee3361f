//! The list of a vocabulary is a list of scopes.
//! Stops a type of one's own that says of itself what is in it.

use clearance::scope::{Nil, Vocabulary};

struct Scopes;
struct Everything;

impl Vocabulary for Scopes {
    type List = Everything;
}

fn of(_: Nil) {}

fn main() {
    let _ = Everything;
}
