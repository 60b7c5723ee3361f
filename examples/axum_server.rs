//! A small files service for MCP clients, guarded, with its own issuer beside it.
//!
//! `cargo run --example quickstart` prints what the service demands, performs six calls over real
//! HTTP, prints what became of each, and goes on serving. With `-- --once` it ends after the calls,
//! and fails if a verdict is wrong.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use axum::extract::State;
use clearance::id::{Resource, TokenId};
use clearance::mcp::{
    self, CallError, McpScopes, Params, ResourcesList, Tool, ToolError, ToolsRead,
};
use clearance::testing::{Issuer, TokenBuilder};
use clearance::{Authorized, Guard, scopes};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

scopes! {
    /// What a caller may be allowed to do on the files service.
    vocabulary FilesScopes includes McpScopes;

    /// Read files, and see which tools and resources there are.
    FilesRead = "files:read" includes ToolsRead, ResourcesList;
    /// Delete files, and therefore read them.
    FilesDelete = "files:delete" includes FilesRead;
}

type Files = Arc<Mutex<BTreeMap<String, String>>>;

#[derive(Deserialize, JsonSchema)]
struct File {
    /// The name of a file, such as `notes.txt`.
    name: String,
}

// The signature is the policy: without the proof, these functions cannot be called.
async fn read_file(
    _: Authorized<FilesRead>,
    Params(File { name }): Params<File>,
    State(files): State<Files>,
) -> Result<String, ToolError> {
    let found = files.lock().await.get(&name).cloned();
    found.ok_or_else(|| ToolError::new("no such file"))
}

async fn delete_file(
    auth: Authorized<FilesDelete>,
    Params(File { name }): Params<File>,
    State(files): State<Files>,
) -> Result<String, ToolError> {
    match files.lock().await.remove(&name) {
        Some(_) => Ok(format!("{} deleted {name}", auth.subject())),
        None => Err(ToolError::new("no such file")),
    }
}

async fn content(
    _: Authorized<FilesRead>,
    Params(File { name }): Params<File>,
    State(files): State<Files>,
) -> Result<String, CallError> {
    let found = files.lock().await.get(&name).cloned();
    found.ok_or_else(|| CallError::invalid_params("no such file"))
}

/// One call: what it shows, its token, its tool, and the status that must come back.
type Call = (&'static str, Option<String>, &'static str, u16);

/// Calls a tool and prints what became of it; gives whether the verdict was right.
async fn perform((title, token, tool, expected): Call, url: &str) -> Result<bool, Box<dyn Error>> {
    let params = json!({ "name": tool, "arguments": { "name": "notes.txt" } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let said = match answer.headers().get("www-authenticate") {
        Some(challenge) => challenge.to_str()?.to_owned(),
        None => answer.text().await?,
    };
    let words = match expected {
        200 => "alice deleted notes.txt",
        403 => r#"error="insufficient_scope", scope="files:delete files:read""#,
        _ => "resource_metadata=",
    };
    let is_right = status == expected && said.contains(words);
    let mark = if is_right { "ok   " } else { "WRONG" };
    println!("{mark} {title:<22} {status}  {said}");
    Ok(is_right)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let once = std::env::args().any(|argument| argument == "--once");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);

    // In production this is your authorization server; here it is a small one, for tests.
    let resource: Resource = url.parse()?;
    let issuer = Issuer::start(resource.clone()).await?;

    let guard = Guard::<FilesScopes>::builder(resource)
        .issuer(issuer.id().clone())
        .baseline::<FilesRead>()
        .build()?;
    guard.ready().await?;

    let files = ["notes.txt", "plan.txt"].map(|name| (name.to_owned(), "buy milk".to_owned()));
    let router = mcp::Router::with_state(&guard, Files::new(Mutex::new(files.into())))
        .named("files", env!("CARGO_PKG_VERSION"))
        .tool(Tool::new("read_file").arguments::<File>(), read_file)
        .tool(Tool::new("delete_file").arguments::<File>(), delete_file)
        .resource("file:///{name}", content);
    println!("metadata: {}\n", guard.resource().metadata_url());
    println!("{}", router.policy());
    let app: axum::Router = router.build()?;
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let revocations = guard.revocations();
    revocations.revoke_token(issuer.id(), &TokenId::new("stolen"))?;
    let reader = || issuer.token().scope("files:read");
    let deleter = issuer.token().scope("files:delete");
    let minted = |token: TokenBuilder<'_>| Some(token.mint());
    let (foreign, expired) = (reader().wrong_audience(), reader().expired());
    let stolen = reader().token_id("stolen");
    let mut right = true;
    for call in [
        ("no token", None, "read_file", 401),
        ("a token for elsewhere", minted(foreign), "read_file", 401),
        ("an expired token", minted(expired), "read_file", 401),
        ("a reader who deletes", minted(reader()), "delete_file", 403),
        ("one who may delete", minted(deleter), "delete_file", 200),
        ("a revoked token", minted(stolen), "read_file", 401),
    ] {
        right &= perform(call, &url).await?;
    }
    if once {
        return Ok(ExitCode::from(u8::from(!right)));
    }
    let token = reader().mint();
    println!("\nserving {url} until you stop it, for any MCP client with a token;");
    println!("this one is good for ten minutes:\n");
    println!(
        r#"curl -i {url} -H 'content-type: application/json' -H 'authorization: Bearer {token}' -d '{{"jsonrpc":"2.0","id":1,"method":"tools/list"}}'"#
    );
    server.await??;
    Ok(ExitCode::SUCCESS)
}
