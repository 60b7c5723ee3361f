//! A condition that speaks of a parameter must hold for the argument.
//! Stops a vocabulary whose checks are put off until nobody makes them.

use std::marker::PhantomData;

use clearance::mcp::ToolsExecute;
use clearance::scope::{Cons, Declared, Grants, KnownTo, Nil, NoScopes, Place, Set, Vocabulary};

struct Mine<T>(PhantomData<T>);
struct Bridge<T>(PhantomData<T>);

impl<T: 'static> Vocabulary for Mine<T>
where
    ToolsExecute: KnownTo<Mine<T>>,
    Bridge<T>: KnownTo<Mine<T>>,
{
    type List = Cons<Bridge<T>, Nil>;
}
impl<T: 'static> Declared for Bridge<T>
where
    Mine<T>: Vocabulary,
{
    const TEXT: &'static str = "bridge";
    type Home = Mine<T>;
    type Place = Place<NoScopes, 0>;
    type Includes = Cons<ToolsExecute, Nil>;
}

fn demand<H: Grants<N>, N: Set>() {}

fn main() {
    demand::<ToolsExecute, ToolsExecute>();
}
