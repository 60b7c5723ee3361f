//! A server of files for clients to talk to: tools, a prompt and a resource, with all demands there are.

use axum::extract::State;
use clearance::mcp::{self, CallError, Params, Prompt, Streamed, Tool, ToolError, ToolsExecute};
use clearance::{Authorized, Caller};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fixture::{Files, FilesDelete, FilesRead, Site, site};

#[derive(Deserialize)]
struct Terms {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    pub sum: i64,
    pub by: String,
}

async fn sum(
    auth: Authorized<ToolsExecute>,
    Params(terms): Params<Terms>,
    State(least): State<i64>,
) -> Result<Sum, ToolError> {
    let sum = terms.a.checked_add(terms.b);
    let sum = sum.filter(|sum| *sum >= least);
    Ok(Sum {
        sum: sum.ok_or_else(|| ToolError::new("too small"))?,
        by: auth.subject().to_string(),
    })
}

async fn greet(_: Authorized<()>, caller: Caller) -> Result<String, ToolError> {
    Ok(format!("hello {}", caller.subject()))
}

async fn delete(_: Authorized<FilesDelete>) -> Result<(), ToolError> {
    Ok(())
}

async fn export(_: Authorized<ToolsExecute>) -> Result<Streamed<Sum>, ToolError> {
    Ok(Streamed::new(async |progress| {
        progress.report(1.0, Some(2.0), "half of it").await;
        progress.report(2.0, None, "all of it").await;
        let by = "export".to_owned();
        Ok::<_, ToolError>(Sum { sum: 2, by })
    }))
}

async fn review(
    _: Authorized<ToolsExecute>,
    Params(asked): Params<Value>,
) -> Result<String, CallError> {
    Ok(format!("Review {}.", asked["file"]))
}

async fn read(_: Authorized<FilesRead>, Params(asked): Params<Value>) -> Result<String, CallError> {
    match asked["name"].as_str() {
        Some("gone") => Err(CallError::invalid_params("no such file")),
        name => Ok(format!("content of {}", name.expect("a name"))),
    }
}

/// A server whose tools have the demands of their handlers.
pub async fn files() -> Site {
    site(|guard| {
        mcp::Router::<Files, i64>::with_state(guard, 0)
            .named("files", "1.2.3")
            .instructions("Be kind.")
            .tool(Tool::new("sum").title("Add"), sum)
            .tool("greet", greet)
            .tool("delete", delete)
            .tool("export", export)
            .prompt(
                Prompt::new("review").argument("file", "which", true),
                review,
            )
            .resource("file:///pub/{name}", read)
    })
    .await
}
