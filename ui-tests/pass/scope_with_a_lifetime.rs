//! A scope is one type, and not one for each lifetime.
//! Stops two scopes that differ only in what the compiler forgets.

use clearance::mcp::McpScopes;
use clearance::scope::{Declared, Nil, NoScopes, Place};

struct Borrowed<'a>(&'a str);

impl Declared for Borrowed<'static> {
    const TEXT: &'static str = "borrowed";
    type Home = McpScopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}

fn main() {
    let _ = Borrowed("");
}
