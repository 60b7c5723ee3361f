//! A scope does not include the list of a vocabulary that its home does not include.
//! Stops somebody else's scopes from being granted in one line.

use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

struct Scopes;
struct Mine;

impl Vocabulary for Scopes {
    type List = Cons<Mine, Nil>;
}
impl Declared for Mine {
    const TEXT: &'static str = "mine";
    type Home = Scopes;
    type Place = Place<NoScopes, 0>;
    type Includes = <db::DbScopes as Vocabulary>::List;
}

fn main() {}
