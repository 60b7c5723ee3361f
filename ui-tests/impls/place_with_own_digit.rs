//! The digits of a place are those of numbers.
//! Stops a place that is spelled like one of the list and is another type.

use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};
use typenum::{B0, UInt, UTerm};

struct Digit;
type Spelled = UInt<UInt<UInt<UTerm, Digit>, B0>, B0>;
type First = Place<NoScopes, 0>;

struct Scopes;
struct Everything;

impl Vocabulary for Scopes {
    type List = Cons<Everything, Nil>;
}
impl Declared for Everything {
    const TEXT: &'static str = "everything";
    type Home = Scopes;
    type Place = Spelled;
    type Includes = Nil;
}

fn of(_: Spelled, _: First) {}

fn main() {
    let _ = Digit;
}
