//! What a tool gives back is the library's to say.
//! Stops a reply that is written without a word about failure.

use clearance::mcp::ToolReply;

struct Fine;

impl ToolReply for Fine {}

fn main() {
    let _ = Fine;
}
