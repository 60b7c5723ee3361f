//! Only `Authorized` is a proof.
//! Stops a type that passes for one and proves nothing.

use clearance::mcp::{McpScopes, ProofFor, Tool};

struct Trust;

fn of<P: ProofFor<Tool, McpScopes>>(_: P) {}

fn main() {
    let _ = Trust;
}
