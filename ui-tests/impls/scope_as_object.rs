//! A trait object is no scope.
//! Stops `dyn Declared`, whose home and place its author could choose.

#![allow(
    unused_associated_type_bounds,
    reason = "there is no other way to write it"
)]

use clearance::mcp::McpScopes;
use clearance::scope::{Declared, Nil, NoScopes, Place};

type First = Place<NoScopes, 0>;

fn call(_: &dyn Declared<Home = McpScopes, Place = First, Includes = Nil>) {}

fn main() {}
