//! Whether a type is a scope follows from its vocabulary's list.
//! Stops a type that says it is a scope and stands in no list.

use clearance::Authorized;
use clearance::scope::Scope;

struct Everything;

impl Scope for Everything {}

fn of_a_scope<S: Scope>(_: &Authorized<S>) {}

fn main() {
    let _ = Everything;
}
