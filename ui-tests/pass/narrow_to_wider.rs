//! A proof narrows to what it grants, and to nothing else.
//! Stops a reader from becoming a writer by conversion.

use clearance::Authorized;
use clearance::mcp::{ToolsExecute, ToolsRead};

fn narrowed(auth: Authorized<(ToolsRead, ToolsExecute)>) -> Authorized<ToolsExecute> {
    auth.narrow()
}

fn main() {}
