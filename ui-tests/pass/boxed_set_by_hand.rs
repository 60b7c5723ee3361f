//! A box of a type of one's own is no way to make a set either.
//! Stops forgery through the types that the orphan rule treats as if they were not there.

use clearance::Authorized;
use clearance::scope::Set;

struct Everything;

fn of_a_set<S: Set>(_: &Authorized<S>) {}

fn main() {
    let _ = Box::new(Everything);
}
