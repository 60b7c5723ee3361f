//! Handlers are functions, and their signatures say what they demand.
//! Stops a handler that claims a proof and does without it.

use clearance::mcp::Handler;

struct Open;

impl Handler<()> for Open {}

fn main() {
    let _ = Open;
}
