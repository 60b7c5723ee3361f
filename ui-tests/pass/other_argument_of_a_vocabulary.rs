//! A generic vocabulary is another one for each argument.
//! Stops a scope from standing elsewhere in a list that only looks like its own.

use std::marker::PhantomData;

use clearance::mcp::ToolsExecute;
use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};

struct Of<T>(PhantomData<T>);
struct Mine;

impl Vocabulary for Of<u8> {
    type List = Cons<Mine, Nil>;
}
impl Vocabulary for Of<u16> {
    type List = Cons<Mine, Nil>;
}
impl Declared for Mine {
    const TEXT: &'static str = "mine";
    type Home = Of<u8>;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}

fn of(_: ToolsExecute) {}

fn main() {}
