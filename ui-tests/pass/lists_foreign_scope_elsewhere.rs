//! A scope stands in every list where it stands at home.
//! Stops a vocabulary of one's own that gives a public scope another bit.

use clearance::mcp;
use clearance::scope::{Cons, Nil, Vocabulary};

struct Turned;

impl Vocabulary for Turned {
    type List = Cons<mcp::ToolsExecute, Cons<mcp::ToolsRead, Nil>>;
}

fn main() {}
