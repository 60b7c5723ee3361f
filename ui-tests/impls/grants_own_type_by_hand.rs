//! What is no set is granted by nobody.
//! Stops a type of one's own as the way from one scope to another.

use clearance::mcp::ToolsRead;
use clearance::scope::Grants;

struct Everything;

impl Grants<Everything> for ToolsRead {}

fn grants<H: Grants<ToolsRead>>() {}

fn main() {
    let _ = (Everything, ToolsRead);
}
