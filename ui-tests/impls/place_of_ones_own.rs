//! A place is a number, and not a type of one's own.
//! Stops a type for which the rules of the list do not hold.

use clearance::Authorized;
use clearance::mcp::McpScopes;
use clearance::scope::{Declared, Nil};

struct Everything;
struct HerePlease;

impl Declared for Everything {
    const TEXT: &'static str = "everything";
    type Home = McpScopes;
    type Place = HerePlease;
    type Includes = Nil;
}

fn call(_: Authorized<Everything>) {}

fn main() {}
