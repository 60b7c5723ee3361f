//! What the macro needs brings no hidden trait along.
//! Stops an import of everything, by which a private trait would get a name.

use clearance::scope::expansion::*;

struct Everything;

impl Gate<Everything> for Everything {
    type Out = Everything;
}

mod own {
    pub trait Gate<L> {
        type Out;
    }
}

fn main() {}
