//! What a type at a taken place includes, counts for nothing.
//! Stops a type of one's own that names itself a scope and includes all others.

use clearance::mcp::{McpScopes, ToolsExecute, ToolsRead};
use clearance::scope::{Cons, Declared, Grants, Nil, NoScopes, Place, Set};

struct Mine;

impl Declared for Mine {
    const TEXT: &'static str = "mine";
    type Home = McpScopes;
    type Place = Place<NoScopes, 1>;
    type Includes = Cons<ToolsExecute, Nil>;
}

fn demand<H: Grants<N>, N: Set>() {}

fn main() {
    demand::<Mine, ToolsExecute>();
}

fn of(_: ToolsRead) {}
