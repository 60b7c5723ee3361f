//! What a scope grants follows from what it includes.
//! Stops a scope of one's own from granting what others declared.

use clearance::mcp::ToolsExecute;
use clearance::scope::Grants;

clearance::scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Look at files.
    pub FilesRead = "files:read";
}

impl Grants<ToolsExecute> for FilesRead {}

fn grants<H: Grants<ToolsExecute>>() {}

fn main() {
    grants::<ToolsExecute>();
}
