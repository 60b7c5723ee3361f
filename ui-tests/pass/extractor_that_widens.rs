//! An extractor of one's own has no more than the guard gave it.
//! Stops state without a guard whose extractor makes a proof out of a weaker one.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use clearance::mcp::{McpScopes, ToolsExecute, ToolsRead};
use clearance::{Authorized, Guard, Refusal};

struct App(Guard<McpScopes>);

impl FromRequestParts<App> for Authorized<ToolsExecute> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let proof = app.0.authorize::<(ToolsRead, ToolsExecute)>(parts).await?;
        Ok(proof.narrow())
    }
}

fn of(_: ToolsRead) {}

fn main() {}
