//! `AnyOf` is a set, and cannot be declared a scope.
//! Stops a choice around a type of one's own that has a home and a place.

use clearance::mcp::McpScopes;
use clearance::scope::{AnyOf, Declared, Nil, NoScopes, Place};

struct Everything;

impl Declared for AnyOf<(Everything,)> {
    const TEXT: &'static str = "everything";
    type Home = McpScopes;
    type Place = Place<NoScopes, 0>;
    type Includes = Nil;
}

fn of(_: AnyOf<(Everything,)>) {}

fn main() {}
