//! The trait that turns a list into a guard's table cannot be named.
//! Stops a table in which a text has a bit of its author's choice.

use clearance::mcp::McpScopes;
use clearance::scope::table::Table;

struct Everything;

impl Table<McpScopes> for Everything {}

mod own {
    pub trait Table<V> {}
}

fn main() {}
