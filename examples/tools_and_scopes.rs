//! What does a caller see and get, when each tool has scopes of its own?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use clearance::mcp::{self, McpScopes, ToolError, ToolsRead};
use clearance::scope::AnyOf;
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, scopes};
use serde_json::{Value, json};

scopes! {
    /// What a caller may be allowed to do with notes.
    vocabulary NoteScopes includes McpScopes;

    /// Search notes, without reading them.
    NotesSearch = "notes:search" includes ToolsRead;
    /// Read notes.
    NotesRead = "notes:read" includes ToolsRead;
    /// Write notes, and therefore read them.
    NotesWrite = "notes:write" includes NotesRead;
    /// Share notes with others.
    NotesShare = "notes:share";
}

/// Only who proves that the caller may read can call this.
fn text(_: &Authorized<NotesRead>) -> &'static str {
    "buy milk"
}

// Any valid token, said out loud. `may` is a bool for showing more or less: it proves nothing.
async fn greet(auth: Authorized<()>) -> Result<String, ToolError> {
    let can = if auth.may::<NotesWrite>() {
        "read and write"
    } else {
        "look"
    };
    Ok(format!("hello {}, you can {can}", auth.subject()))
}

// One of the two is enough.
async fn search(_: Authorized<AnyOf<(NotesSearch, NotesRead)>>) -> Result<&'static str, ToolError> {
    Ok("1 note")
}

async fn read(auth: Authorized<NotesRead>) -> Result<&'static str, ToolError> {
    Ok(text(&auth))
}

// A set: both are needed. It grants each of its members and what they include, so the proof can be
// narrowed; the way back does not compile.
async fn share(auth: Authorized<(NotesWrite, NotesShare)>) -> Result<String, ToolError> {
    let subject = auth.subject().as_str().to_owned();
    let auth: Authorized<NotesRead> = auth.narrow();
    Ok(format!("{subject} shared: {}", text(&auth)))
}

/// Asks for a method; gives the status, the challenge and the body.
async fn ask(
    (method, tool): (&str, &str),
    token: &str,
    url: &str,
) -> Result<(u16, String, Value), Box<dyn Error>> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "name": tool } });
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .bearer_auth(token);
    let answer = request.body(body.to_string()).send().await?;
    let status = answer.status().as_u16();
    let challenge = answer.headers().get("www-authenticate");
    let challenge = challenge.map_or(Ok(""), |value| value.to_str())?.to_owned();
    Ok((status, challenge, answer.text().await?.parse()?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = Issuer::start(url.parse()?).await?;
    let guard = Guard::<NoteScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    guard.ready().await?;

    let router = mcp::Router::new(&guard)
        .tool("greet", greet)
        .tool("search", search)
        .tool("read", read)
        .tool("share", share);
    println!("{}", router.policy());
    let app: axum::Router = router.build()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let tools = ["greet", "search", "read", "share"];
    for (scope, number) in [
        ("notes:search", 2),
        ("notes:read", 3),
        ("notes:write notes:share", 4),
    ] {
        // The list shows what the token may use, ..
        let token = issuer.token().scope(scope).mint();
        let (_, _, body) = ask(("tools/list", ""), &token, &url).await?;
        let listed = body.pointer("/result/tools").and_then(Value::as_array);
        let names = listed.into_iter().flatten().map(|tool| tool.get("name"));
        let seen: Vec<_> = names.flatten().filter_map(Value::as_str).collect();
        println!("`{scope}` sees {}", seen.join(", "));
        assert!(seen.iter().eq(tools.iter().take(number)));
        // .. which is exactly what it gets, and what else there is to ask for.
        for tool in tools {
            let (status, challenge, body) = ask(("tools/call", tool), &token, &url).await?;
            let said = body.pointer("/result/content/0/text");
            let said = said.and_then(Value::as_str).unwrap_or(&challenge);
            println!("  {tool:<6} {status} {said}");
            assert_eq!(status, if seen.contains(&tool) { 200 } else { 403 });
        }
    }
    Ok(())
}
