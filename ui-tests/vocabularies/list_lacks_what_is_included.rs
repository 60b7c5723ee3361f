//! A list contains what its scopes include.
//! Stops a scope that grants a bit of which the guard knows no text.

use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

struct Scopes;
struct Low;
struct High;

impl Vocabulary for Scopes {
    type List = Cons<High, Nil>;
}
impl Declared for High {
    const TEXT: &'static str = "high";
    type Home = Scopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Cons<Low, Nil>;
}
impl Declared for Low {
    const TEXT: &'static str = "low";
    type Home = Scopes;
    type Place = Place<NoScopes, 1>;
    type Includes = Nil;
}

fn main() {}
