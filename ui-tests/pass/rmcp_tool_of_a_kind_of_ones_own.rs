//! The same in the words of rmcp: it claims a proof, so the router demands it.

use std::future::ready;
use std::pin::Pin;

use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::rmcp::SecureToolRouter;
use clearance::{Authorized, Guard};
use rmcp::ErrorData;
use rmcp::handler::server::tool::{AsyncMethodAdapter, CallToolHandler, ToolCallContext};
use rmcp::model::{CallToolResponse, CallToolResult, JsonObject, Tool};

type Boxed<'a> =
    Pin<Box<dyn Future<Output = Result<CallToolResponse, ErrorData>> + Send + 'a>>;

#[derive(Clone)]
struct Clock;

/// It says nothing of a proof.
#[derive(Clone)]
struct Mine;

type Theirs = AsyncMethodAdapter<(Authorized<ToolsExecute>,), String>;

#[derive(Clone)]
struct Winder;

impl CallToolHandler<Clock, Theirs> for Winder {
    fn call(self, _: ToolCallContext<'_, Clock>) -> Boxed<'_> {
        Box::pin(ready(Ok(CallToolResult::default().into())))
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureToolRouter<Clock, McpScopes> {
    let tool = Tool::new("wind", "Wind the clock", JsonObject::default());
    SecureToolRouter::new(guard).tool(tool, Winder)
}

fn main() {}
