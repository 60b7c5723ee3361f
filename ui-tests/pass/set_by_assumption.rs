//! That a type is a set cannot be assumed in order to prove it.
//! Stops a circle of reasons: an impl whose condition is itself.

use clearance::Authorized;
use clearance::scope::Set;

struct Everything;

fn of_a_set<S: Set>(_: &Authorized<S>) {}

fn main() {
    let _ = Everything;
}
