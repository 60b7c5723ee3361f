//! How do I put authorization around an MCP service that knows nothing of it?
//!
//! The same requests are sent to the service as it is, and to the service behind the layer.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::process::ExitCode;

use axum::{Json, Router, routing::post};
use clearance::mcp::{McpScopes, Policy, ToolsExecute, ToolsRead, requires};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Guard};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The service that exists: it does what anybody asks.
fn existing() -> Router {
    Router::new().route("/mcp", post(serve))
}

async fn serve(Json(message): Json<Value>) -> Json<Value> {
    let tool = message.pointer("/params/name").and_then(Value::as_str);
    let text = match tool {
        Some("search") => "1 file: notes.txt",
        Some("delete_file") => "deleted notes.txt",
        // It came with the last update, and nobody has noticed.
        Some("shell") => "uid=0(root)",
        _ => "what?",
    };
    let result = json!({ "content": [{ "type": "text", "text": text }] });
    Json(json!({ "jsonrpc": "2.0", "id": message.get("id"), "result": result }))
}

/// Calls a tool; gives the status, and the challenge or else the body.
async fn call(url: &str, tool: &str, token: Option<&str>) -> Result<(u16, String), Box<dyn Error>> {
    let params = json!({ "name": tool, "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.body(body.to_string()).send().await?;
    let status = answer.status().as_u16();
    let said = match answer.headers().get("www-authenticate") {
        Some(challenge) => challenge.to_str()?.to_owned(),
        None => answer.text().await?,
    };
    Ok((status, said))
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (open, guarded) = (bind().await?, bind().await?);
    let (open_url, url) = (url_of(&open)?, url_of(&guarded)?);
    // An issuer for this example; yours is your authorization server.
    let issuer = Issuer::start(url.parse()?).await?;
    tokio::spawn(async move { axum::serve(open, existing()).await });

    // What is added begins here, ..
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    let policy = Policy::standard()
        .tool("search", requires::<ToolsRead>())
        .tool("delete_file", requires::<ToolsExecute>());
    let layer = AuthorizationLayer::builder(&guard, policy)
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    let service = existing().layer(layer);
    // .. and ends here: ten lines.
    guard.ready().await?;
    tokio::spawn(async move { axum::serve(guarded, service).await });

    let reader = issuer.token().scope("mcp:tools:read").mint();
    let expired = issuer.token().scope("mcp:tools:read").expired().mint();
    let runner = issuer.token().scope("mcp:tools:execute").mint();
    let mut right = true;
    for (title, tool, token, expected, words) in [
        ("no token", "search", None, 401, "resource_metadata="),
        ("too late", "search", Some(&expired), 401, "invalid_token"),
        ("a reader", "search", Some(&reader), 200, "notes.txt"),
        (
            "a reader",
            "delete_file",
            Some(&reader),
            403,
            r#"error="insufficient_scope", scope="mcp:tools:execute mcp:tools:read""#,
        ),
        ("may run", "delete_file", Some(&runner), 200, "deleted"),
        ("may run", "shell", Some(&runner), 403, "access denied"),
    ] {
        let token = token.map(String::as_str);
        let (before, open) = call(&open_url, tool, token).await?;
        let (status, said) = call(&url, tool, token).await?;
        // What is let through is answered as without the layer, to the byte.
        let same = status != 200 || said == open;
        let verdict = before == 200 && status == expected && said.contains(words) && same;
        right &= verdict;
        let mark = if verdict { "ok   " } else { "WRONG" };
        println!("{mark} {title:<8} {tool:<11} without: {before}  with: {status} {said}");
    }
    Ok(ExitCode::from(u8::from(!right)))
}

async fn bind() -> std::io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}

fn url_of(listener: &TcpListener) -> std::io::Result<String> {
    Ok(format!("http://{}/mcp", listener.local_addr()?))
}
