//! Subtyping between scope types does not turn one proof into another.
//! Stops a scope that is generic over lifetimes from widening itself.

#![allow(
    coherence_leak_check,
    reason = "the two scopes are meant to be confused"
)]

use clearance::Authorized;
use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

struct Of<F>(std::marker::PhantomData<F>);
type Low = Of<for<'a> fn(&'a u8)>;
type High = Of<fn(&'static u8)>;

struct Scopes;
impl Vocabulary for Scopes {
    type List = Cons<Low, Cons<High, Nil>>;
}
impl Declared for Low {
    const TEXT: &'static str = "low";
    type Home = Scopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}
impl Declared for High {
    const TEXT: &'static str = "high";
    type Home = Scopes;
    type Place = Place<NoScopes, 1>;
    type Includes = Nil;
}

fn widened(auth: Authorized<Low>) -> Authorized<High> {
    auth
}

fn main() {}
