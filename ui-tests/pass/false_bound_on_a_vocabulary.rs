//! A vocabulary that is one only under a false condition is none.
//! Stops a bound that is assumed where the list is checked, and is never true.

use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::scope::{Cons, Declared, KnownTo, Nil, NoScopes, Place, Vocabulary};

struct Mine;
struct Bridge;

impl Vocabulary for Mine
where
    for<'a> ToolsExecute: KnownTo<McpScopes>,
{
    type List = Cons<Bridge, Nil>;
}
impl Declared for Bridge {
    const TEXT: &'static str = "bridge";
    type Home = Mine;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}

fn of(_: McpScopes) {}

fn main() {}
