//! Who calls is no proof of what they may.
//! Stops a tool that takes a name for a permission.

use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::rmcp::SecureToolRouter;
use clearance::{Authorized, Caller, Guard};
use rmcp::tool;

// Named, so that both cases import the same.
type Proof = Authorized<ToolsExecute>;

type Who = Caller;

#[derive(Clone)]
struct Clock;

impl Clock {
    #[tool(description = "Wind the clock")]
    async fn wind(&self, _: Who) -> String {
        "wound".to_owned()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureToolRouter<Clock, McpScopes> {
    SecureToolRouter::new(guard).tool(Clock::wind_tool_attr(), Clock::wind)
}

fn main() {}
