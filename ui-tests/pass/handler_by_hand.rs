//! Handlers are functions, and their signatures say what they demand.
//! Stops a handler that claims a proof and does without it.

use clearance::mcp::Handler;

struct Open;

fn of<Args, H: Handler<Args>>(_: H) {}

fn main() {
    let _ = Open;
}
