//! What somebody else's scope includes is foreign here, whatever it is called.
//! Stops a list that is taken over without naming what is in it.

use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
        /// Everything.
        pub Admin = "db:admin" includes Drop;
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
    type Includes = <db::Drop as Declared>::Includes;
}

fn main() {}
