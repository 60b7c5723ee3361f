//! A vocabulary does not know the scopes of one that includes it.
//! Stops a shared scope from growing with every server that builds on it.

use clearance::scope::{Appended, Cons, Declared, Nil, NoScopes, Place, Vocabulary};

struct Base;
struct Files;
struct Look;
struct Delete;

impl Vocabulary for Base {
    type List = Cons<Look, Nil>;
}
impl Vocabulary for Files {
    type List = Appended<<Base as Vocabulary>::List, Cons<Delete, Nil>>;
}
impl Declared for Look {
    const TEXT: &'static str = "base:look";
    type Home = Base;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}
impl Declared for Delete {
    const TEXT: &'static str = "files:delete";
    type Home = Files;
    type Place = Place<Base, 0>;
    type Includes = Nil;
}

fn main() {}
