//! How do I write down who may call what, and notice when it changes?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::process::ExitCode;

use axum::{Json, Router, routing::post};
use clearance::mcp::method::ToolsList;
use clearance::mcp::{McpScopes, Policy, ToolsRead, any_valid_token, nobody, requires};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Guard, scopes};
use serde_json::{Value, json};

scopes! {
    /// What a caller may be allowed to do with the database.
    vocabulary DbScopes includes McpScopes;

    /// Read tables, and see which tools there are.
    DbRead = "db:read" includes ToolsRead;
    /// Write tables, and therefore read them.
    DbWrite = "db:write" includes DbRead;
}

/// What the rule about `db_query` reads of its arguments.
#[derive(serde::Deserialize)]
struct Query {
    #[serde(default)]
    write: bool,
}

fn policy() -> Policy<DbScopes> {
    // Closed: what is not written here cannot be called. `Policy::standard` has all methods.
    Policy::closed()
        .method(ToolsList, requires::<ToolsRead>())
        .tool("help", any_valid_token())
        // By its arguments. Both sets stand in the table, so it stays true.
        .tool(
            "db_query",
            requires::<DbRead>().when::<DbWrite, Query>(|query| query.write),
        )
        // Names that are not known yet. A rule about one name counts before a prefix.
        .tool_prefix("db_", requires::<DbWrite>())
        .tool("db_drop", nobody())
        // No scope helps those for whom this is not true.
        .tool(
            "db_export",
            requires::<DbRead>().only_if(|auth| auth.client().as_str() == "reports"),
        )
        .resource("db:///prices", any_valid_token())
        .resource("db:///*", requires::<DbRead>())
}

/// Whoever widens the policy changes one of these lines, too.
const AGREED: &str = r#"[
  {"kind":"method","name":"initialize","scopes":"any valid token"},
  {"kind":"method","name":"ping","scopes":"any valid token"},
  {"kind":"method","name":"server/discover","scopes":"any valid token"},
  {"kind":"method","name":"tools/list","scopes":"mcp:tools:read"},
  {"kind":"resource","name":"db:///*","scopes":"db:read"},
  {"kind":"resource","name":"db:///prices","scopes":"any valid token"},
  {"kind":"tool","name":"db_drop","scopes":"nobody"},
  {"kind":"tool","name":"db_export","scopes":"db:read, under a condition"},
  {"kind":"tool","name":"db_query","scopes":"db:read, or by its arguments db:write"},
  {"kind":"tool","name":"help","scopes":"any valid token"},
  {"kind":"tool","name":"db_","reach":"prefix","scopes":"db:write"}
]"#;

/// A service behind the layer that does whatever it is asked.
async fn serve(Json(message): Json<Value>) -> Json<Value> {
    let id = message.get("id");
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": { "done": true } }))
}

/// Asks a few questions of the table; gives whether all verdicts are right.
async fn ask(url: &str, issuer: &Issuer) -> Result<bool, Box<dyn Error>> {
    let token = |scope| issuer.token().scope(scope);
    let (reader, writer) = (token("db:read").mint(), token("db:write").mint());
    let reports = token("db:read").client("reports").mint();
    let anybody = issuer.token().mint();
    let (change, both) = (r#"{"write":true}"#, r#"{"write":true,"write":false}"#);
    let mut right = true;
    for (who, token, name, arguments, expected, words) in [
        ("anybody", &anybody, "help", "{}", 200, "done"),
        ("a reader", &reader, "db_query", "{}", 200, "done"),
        ("a reader", &reader, "db_query", change, 403, "40300"),
        ("a writer", &writer, "db_query", change, 200, "done"),
        ("a writer", &writer, "db_query", both, 400, "-32602"),
        ("a writer", &writer, "db_insert", "{}", 200, "done"),
        ("a writer", &writer, "db_drop", "{}", 403, "40301"),
        ("a writer", &writer, "shell", "{}", 403, "40301"),
        ("a writer", &writer, "db_export", "{}", 403, "40301"),
        ("reports", &reports, "db_export", "{}", 200, "done"),
        ("anybody", &anybody, "db:///prices", "{}", 200, "done"),
        ("anybody", &anybody, "db:///x/../pay", "{}", 403, "40300"),
    ] {
        let call = if name.contains(':') {
            format!(r#""method":"resources/read","params":{{"uri":"{name}"}}"#)
        } else {
            let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
            format!(r#""method":"tools/call","params":{params}"#)
        };
        let request = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/json")
            .bearer_auth(token);
        let request = request.body(format!(r#"{{"jsonrpc":"2.0","id":1,{call}}}"#));
        let answer = request.send().await?;
        let (status, said) = (answer.status().as_u16(), answer.text().await?);
        let verdict = status == expected && said.contains(words);
        right &= verdict;
        let mark = if verdict { "ok   " } else { "WRONG" };
        println!("{mark} {who:<8} {name} {arguments}: {status} {said}");
    }
    Ok(right)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let policy = policy();
    println!("{policy}");
    for rule in policy.rules() {
        println!("{}", serde_json::to_string(rule)?);
    }
    println!();
    assert_eq!(
        serde_json::to_value(&policy)?,
        AGREED.parse::<Value>()?,
        "the policy is not what was agreed"
    );

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = Issuer::start(url.parse()?).await?;
    let guard = Guard::<DbScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    guard.ready().await?;
    let layer = AuthorizationLayer::builder(&guard, policy)
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    let service = Router::new().route("/mcp", post(serve)).layer(layer);
    tokio::spawn(async move { axum::serve(listener, service).await });

    let right = ask(&url, &issuer).await?;
    Ok(ExitCode::from(u8::from(!right)))
}
