//! A scope is at home in one vocabulary, and that one lists it.
//! Stops a list of one's own from making a type a scope of somebody else's.

use clearance::scope::{Appended, Cons, Declared, Nil, Place, Vocabulary};

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
    type List = Appended<<db::DbScopes as Vocabulary>::List, Cons<Mine, Nil>>;
}
impl Declared for Mine {
    const TEXT: &'static str = "mine";
    type Home = db::DbScopes;
    type Place = Place<db::DbScopes, 0>;
    type Includes = Nil;
}

fn main() {}
