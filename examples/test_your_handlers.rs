//! How do I test my handlers: allowed, refused, expired?
//!
//! What stands in `main` belongs into a `#[tokio::test]`. Tokens, keys and checks are real.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use clearance::mcp::{self, McpScopes, RouterError, ToolError, ToolsExecute};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard};
use tower::ServiceExt as _;

// Yours: a handler, and what makes the application.
async fn greet(auth: Authorized<ToolsExecute>) -> Result<String, ToolError> {
    Ok(format!("hello {}", auth.subject()))
}

fn application(guard: &Guard<McpScopes>) -> Result<axum::Router, RouterError> {
    mcp::Router::new(guard).tool("greet", greet).build()
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet"}}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::start("https://tools.example.com/mcp".parse()?).await?;
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    guard.ready().await?;
    let application = application(&guard)?;

    let may = || issuer.token().scope("mcp:tools:execute");
    for (title, token, status, words) in [
        ("allowed", may(), 200, "hello alice"),
        ("refused", issuer.token(), 403, "insufficient scope"),
        ("expired", may().expired(), 401, "invalid access token"),
    ] {
        let request = Request::post("/mcp")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", token.mint()))
            .body(Body::from(CALL))?;
        let answer = application.clone().oneshot(request).await?;
        assert_eq!(answer.status(), status, "{title}");
        let body = to_bytes(answer.into_body(), 4_096).await?;
        let body = str::from_utf8(&body)?;
        assert!(body.contains(words), "{title}: {body}");
        println!("{title}: {status} {body}");
    }
    Ok(())
}
