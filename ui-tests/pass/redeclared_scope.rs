//! What is written about a scope is written once, where it was declared.
//! Stops a second declaration of a public scope that includes more.

use clearance::mcp::{McpScopes, ToolsExecute, ToolsRead};
use clearance::scope::{Cons, Declared, Nil, NoScopes, Place};

struct Mine;

impl Declared for Mine {
    const TEXT: &'static str = "mcp:tools:read";
    type Home = McpScopes;
    type Place = Place<NoScopes, 1>;
    type Includes = Cons<ToolsExecute, Nil>;
}

fn of(_: ToolsRead) {}

fn main() {}
