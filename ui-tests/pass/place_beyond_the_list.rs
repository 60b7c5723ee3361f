//! A place behind the end of the list is none.
//! Stops a scope that has a bit of its own choice, and not the one of where it stands.

use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

struct Scopes;
struct Everything;

impl Vocabulary for Scopes {
    type List = Cons<Everything, Nil>;
}
impl Declared for Everything {
    const TEXT: &'static str = "everything";
    type Home = Scopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}

fn main() {}
