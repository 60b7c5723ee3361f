//! A scope of one's own that includes a public one is no bridge to it.
//! Stops a vocabulary that was declared only to widen proofs.

use clearance::Authorized;
use clearance::mcp::{McpScopes, ToolsExecute, ToolsRead};

clearance::scopes! {
    /// A vocabulary on top of the standard one.
    pub vocabulary BridgeScopes includes McpScopes;
    /// Looks like little, and includes more.
    pub Bridge = "bridge" includes ToolsRead, ToolsExecute;
}

fn widened(auth: Authorized<ToolsRead>) -> Authorized<ToolsExecute> {
    let bridge: Authorized<Bridge> = auth.narrow();
    bridge.narrow()
}

fn main() {}
