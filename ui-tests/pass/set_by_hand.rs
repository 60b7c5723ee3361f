//! Whether a type is a set of scopes follows from its members.
//! Stops a set that needs nothing and grants everything.

use clearance::Authorized;
use clearance::scope::Set;

struct Everything;

fn of_a_set<S: Set>(_: &Authorized<S>) {}

fn main() {
    let _ = Everything;
}
