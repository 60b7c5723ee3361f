//! The states of a token are those of this crate.
//! Stops a state that takes what the real ones refuse.

use clearance::token::{State, Unverified};

struct Trusted;

impl State for Trusted {}

fn of_a_token<St: State>(_: &St) {}

fn main() {
    let _ = of_a_token::<Unverified>;
    let _ = Trusted;
}
