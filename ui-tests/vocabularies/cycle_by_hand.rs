//! A circle that is written without the macro does not compile either.
//! Stops a vocabulary whose scopes grant what nobody can compute.

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
    type Includes = Cons<High, Nil>;
}
impl Declared for High {
    const TEXT: &'static str = "high";
    type Home = Scopes;
    type Place = Place<NoScopes, 1>;
    type Includes = Cons<Low, Nil>;
}

fn main() {}
