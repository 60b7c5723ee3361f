//! The trait that says what stands where in a list cannot be named.
//! Stops a place of one's own in somebody else's list.

use clearance::mcp::McpScopes;
use clearance::scope::Vocabulary;
use clearance::scope::list::At;

struct Everything;
struct HerePlease;

impl At<HerePlease> for <McpScopes as Vocabulary>::List {
    type Item = Everything;
    type Bit = typenum::U1;
}

mod own {
    pub trait At<P> {
        type Item;
        type Bit;
    }
}

fn main() {}
