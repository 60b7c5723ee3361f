//! A scope that claims the place of another one is no scope.
//! Stops a type of one's own that has the bit of `ToolsExecute`.

use clearance::Authorized;
use clearance::mcp::McpScopes;
use clearance::scope::{Declared, Nil, NoScopes, Place};

struct AlsoToolsExecute;

impl Declared for AlsoToolsExecute {
    const TEXT: &'static str = "mcp:tools:read";
    type Home = McpScopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}

fn call(_: Authorized<AlsoToolsExecute>) {}

fn main() {}
