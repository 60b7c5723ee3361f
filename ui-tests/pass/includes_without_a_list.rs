//! What a scope includes is a list, even of one.
//! Stops a scope in whose place the compiler would have to guess.

use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

struct Scopes;
struct Low;
struct High;

impl Vocabulary for Scopes {
    type List = Cons<Low, Cons<High, Nil>>;
}
impl Declared for Low {
    const TEXT: &'static str = "low";
    type Home = Scopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}
impl Declared for High {
    const TEXT: &'static str = "high";
    type Home = Scopes;
    type Place = Place<NoScopes, 1>;
    type Includes = Cons<Low, Nil>;
}

fn main() {}
