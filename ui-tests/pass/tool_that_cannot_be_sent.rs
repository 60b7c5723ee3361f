//! A handler's work can move to another thread.
//! Stops a tool that could not be served; as the compiler says it.

use std::rc::Rc;
use std::sync::Arc;

use clearance::mcp::{McpScopes, Router, ToolError, ToolsExecute};
use clearance::{Authorized, Guard};

fn of(_: Rc<()>, _: Arc<()>) {}

async fn clear(_: Authorized<ToolsExecute>) -> Result<(), ToolError> {
    let cache = Arc::new("cache");
    std::future::ready(()).await;
    println!("{cache}");
    Ok(())
}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).tool("clear_cache", clear)
}

fn main() {}
