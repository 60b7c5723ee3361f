//! Generic code says what it needs, and is held to it.
//! Stops a function that narrows whatever it is given to whatever is wanted.

use clearance::Authorized;
use clearance::scope::Set;

fn narrowed<H: Set, N: Set>(auth: Authorized<H>) -> Authorized<N> {
    auth.narrow()
}

fn main() {}
