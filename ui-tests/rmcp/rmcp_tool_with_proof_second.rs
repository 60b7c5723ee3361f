//! The proof stands first.
//! Stops a tool that tells callers without the scope what its parameters are.

use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::rmcp::SecureToolRouter;
use clearance::{Authorized, Guard};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::tool;
use serde::Deserialize;

type Proof = Authorized<ToolsExecute>;

#[derive(Deserialize, JsonSchema)]
struct Turns {
    #[expect(dead_code, reason = "nothing is wound here")]
    number: u32,
}

#[derive(Clone)]
struct Clock;

impl Clock {
    #[tool(description = "Wind the clock")]
    async fn wind(&self, _: Parameters<Turns>, _: Proof) -> String {
        "wound".to_owned()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureToolRouter<Clock, McpScopes> {
    SecureToolRouter::new(guard).tool(Clock::wind_tool_attr(), Clock::wind)
}

fn main() {}
