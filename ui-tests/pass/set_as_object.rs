//! A trait object is no set.
//! Stops `dyn Set`, whose needs its author could choose.

use clearance::Authorized;
use clearance::scope::Set;

fn call<S: Set>(_: Authorized<S>) {}

fn main() {}
