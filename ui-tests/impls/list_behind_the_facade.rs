//! The trait that says what a list of included scopes grants cannot be named.
//! Stops a scope that includes bits instead of scopes.

use clearance::mcp::McpScopes;
use clearance::scope::set::GrantsOf;

struct Everything;

impl GrantsOf<McpScopes> for Everything {
    type Bits = typenum::U255;
}

mod own {
    pub trait GrantsOf<V> {
        type Bits;
    }
}

fn main() {}
