//! Metadata is served for guards and for nothing else.
//! Stops a document that advertises a resource which nobody guards.

use clearance::mcp::McpScopes;
use clearance::{Guard, ProtectedResource};

struct Unguarded;

fn is_one<R: ProtectedResource>() {}

fn main() {
    is_one::<Guard<McpScopes>>();
    let _ = Unguarded;
}
