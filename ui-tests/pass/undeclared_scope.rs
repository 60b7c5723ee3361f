//! What was not declared is no scope.
//! Stops a marker that no token could ever name.

use clearance::Authorized;

struct FilesDelete;

async fn delete(_: Authorized<clearance::mcp::ToolsExecute>) {}

fn main() {
    let _ = FilesDelete;
}
