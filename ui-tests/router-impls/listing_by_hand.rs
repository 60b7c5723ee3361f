//! Which lists the router serves is the library's to say.
//! Stops a list of something that nobody guards.

use clearance::mcp::method::{Listing, ToolsCall};

impl Listing for ToolsCall {}

fn main() {
    let _ = ToolsCall;
}
