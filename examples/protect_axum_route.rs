//! How do I protect a route of an axum application that has a state of its own?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::{Router, routing::get};
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, Guarded, metadata_routes};

/// The application's state holds the guard.
struct App {
    guard: Guard<McpScopes>,
    tools: Vec<&'static str>,
}

// Three lines, and every handler of this application can demand proofs.
impl Guarded for App {
    type Vocabulary = McpScopes;
    fn guard(&self) -> &Guard<McpScopes> {
        &self.guard
    }
}

async fn tools(_: Authorized<ToolsRead>, State(app): State<Arc<App>>) -> String {
    app.tools.join(",")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An issuer for this example; yours is your authorization server.
    let issuer = Issuer::start("https://tools.example.com/mcp".parse()?).await?;
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    guard.ready().await?;

    let metadata = metadata_routes([&guard])?;
    let app = Arc::new(App {
        guard,
        tools: vec!["hammer", "saw"],
    });
    let router = Router::new()
        .route("/tools", get(tools))
        .merge(metadata)
        .with_state(app);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/tools", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let client = reqwest::Client::new();
    let allowed = issuer.token().scope("mcp:tools:read").mint();
    let answer = client.get(&url).bearer_auth(allowed).send().await?;
    assert_eq!(answer.status(), 200);
    println!("allowed: {}", answer.text().await?);

    let refused = issuer.token().scope("mcp:prompts:read").mint();
    let answer = client.get(&url).bearer_auth(refused).send().await?;
    assert_eq!(answer.status(), 403);
    println!("refused: {:?}", answer.headers()["www-authenticate"]);
    Ok(())
}
