//! A set in a list of included scopes is none of them, without the macro too.
//! Stops a tuple that brings along what the home never checked.

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
    type Includes = Cons<(Low, Low), Nil>;
}

fn main() {}
