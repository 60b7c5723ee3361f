//! A trait object is no vocabulary.
//! Stops `dyn Vocabulary`, whose list its author could choose.

#![allow(
    unused_associated_type_bounds,
    reason = "there is no other way to write it"
)]

use clearance::scope::{Nil, Vocabulary};

fn of<V: Vocabulary<List = Nil>>(_: &V) {}

fn main() {}
