//! Only `Authorized` is a proof.
//! Stops a type that passes for one and proves nothing.

use clearance::mcp::{McpScopes, ProofFor, Tool};

struct Trust;

impl ProofFor<Tool, McpScopes> for Trust {}

fn main() {
    let _ = Trust;
}
