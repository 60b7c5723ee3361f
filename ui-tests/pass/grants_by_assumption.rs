//! That a scope grants another cannot be assumed in order to prove it.
//! Stops a circle of reasons: an impl whose condition is itself.

use clearance::mcp::ToolsExecute;
use clearance::scope::Grants;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

fn grants<H: Grants<ToolsExecute>>() {}

fn main() {
    grants::<ToolsExecute>();
}
