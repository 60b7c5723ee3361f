//! Subtyping between vocabularies does not turn one guard into another.
//! Stops proofs by the rules of a vocabulary that the guard was not made for.

use clearance::Guard;

type Low = for<'a> fn(&'a u8);
type High = fn(&'static u8);

fn turned(guard: Guard<Low>) -> Guard<High> {
    guard
}

fn of(_: Low) {}

fn main() {}
