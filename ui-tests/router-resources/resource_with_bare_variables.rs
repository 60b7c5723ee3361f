//! A template's variables stand in `Params`.
//! Stops variables that look as if they came from elsewhere.

use clearance::mcp::{CallError, McpScopes, Params, ResourcesRead, Router};
use clearance::{Authorized, Guard};

#[derive(Debug, serde::Deserialize)]
struct File {
    name: String,
}

async fn read(_: Authorized<ResourcesRead>, file: File) -> Result<String, CallError> {
    Ok(format!("{file:?}"))
}

fn of(_: Params<File>) {}

fn app(guard: &Guard<McpScopes>) -> Router<McpScopes> {
    Router::new(guard).resource("file:///{name}", read)
}

fn main() {}
