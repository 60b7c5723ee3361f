//! The traits that know what a set needs cannot be named.
//! Stops a hand-written set with bits of its author's choice.

use own::Kinded;

struct Everything;
struct Single;

impl Kinded for Everything {
    type Kind = Single;
}

mod own {
    pub trait Kinded {
        type Kind;
    }
}

fn main() {}
