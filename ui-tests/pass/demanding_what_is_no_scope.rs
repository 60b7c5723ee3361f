//! What stands in place of a method's scope is a scope.
//! Stops a demand that means nothing.

use clearance::mcp::method::{Method, ToolsList};

fn list() -> impl Method {
    ToolsList.demanding::<clearance::mcp::ToolsExecute>()
}

fn main() {}
