//! The extractor of a proof is written once, and it asks the guard.
//! Stops an application whose own extractor asks nobody.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::{Authorized, Guard, Guarded, Refusal};

struct App(Guard<McpScopes>);
struct Proof(Option<Authorized<ToolsExecute>>);

impl Guarded for App {
    type Vocabulary = McpScopes;

    fn guard(&self) -> &Guard<McpScopes> {
        &self.0
    }
}

impl FromRequestParts<App> for Authorized<ToolsExecute> {
    type Rejection = Refusal;

    async fn from_request_parts(_: &mut Parts, _: &App) -> Result<Self, Refusal> {
        std::future::pending().await
    }
}

fn main() {}
