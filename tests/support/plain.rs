//! A server that knows nothing of authorization, with the tools of `support/mcp.rs`, to stand behind a
//! layer.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use clearance::mcp::method::{
    CompletionComplete, LoggingSetLevel, Other, PromptsList, ResourcesList, ResourcesTemplatesList,
    ToolsList,
};
use clearance::mcp::{Policy, any_valid_token, requires};
use clearance::scope::AnyOf;
use clearance::session::{SealKey, SealKeys};
use clearance::{AuthorizationLayer, Guard, GuardBuilder, LayerBuilder, Sealing};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::mcp::{Log, McpServer, guarded};
use super::request::MODERN;
use super::{FilesRead, FilesWrite, Fixture, McpAdmin, ScopeA, ScopeB, ToolsRead};

/// The table of `support/mcp.rs`, as a policy.
pub fn policy() -> Policy<Fixture> {
    Policy::closed()
        .tool("get_weather", requires::<ToolsRead>())
        .tool("delete_file", requires::<(FilesRead, FilesWrite)>())
        .tool("one_of", requires::<AnyOf<(ScopeA, ScopeB)>>())
        .tool("whoami", any_valid_token())
        .tool("export", requires::<FilesRead>())
        .prompt("greeting", requires::<FilesRead>())
        .resource("file:///pub/readme.txt", any_valid_token())
        .resource("file:///pub/{name}", requires::<ToolsRead>())
        .resource("file:///private/{*path}", requires::<FilesRead>())
        .method(CompletionComplete, requires::<ScopeB>())
        .method(LoggingSetLevel, requires::<McpAdmin>())
        .method(Other("example/index"), requires::<FilesWrite>())
        .method(ToolsList, requires::<ToolsRead>())
        .method(PromptsList, requires::<ToolsRead>())
        .method(ResourcesList, requires::<FilesRead>())
        .method(ResourcesTemplatesList, requires::<FilesRead>())
}

/// Keys that every layer of these tests has.
pub fn keys() -> SealKeys {
    SealKeys::from(SealKey::from_bytes(&[7; 32]))
}

/// A layer with that policy, as far as it is chosen.
pub fn layer(guard: &Guard<Fixture>) -> LayerBuilder<Fixture, Sealing> {
    AuthorizationLayer::builder(guard, policy()).seal_keys(keys())
}

/// The plain server, without a layer.
pub fn application(log: &Log) -> Router {
    Router::new()
        .route("/mcp", any(serve))
        .with_state(log.clone())
}

/// The plain server behind the layer, under the guard of `support/mcp.rs`.
pub async fn server() -> McpServer {
    server_with(|layer| layer, application).await
}

/// The same after changes to the layer, around another application.
pub async fn server_with(
    choose: impl FnOnce(LayerBuilder<Fixture, Sealing>) -> LayerBuilder<Fixture, Sealing>,
    application: impl FnOnce(&Log) -> Router,
) -> McpServer {
    let (clock, issuer, guard) = guarded(GuardBuilder::unlimited).await;
    let log = Log::default();
    let layer = choose(layer(&guard)).build().expect("a layer");
    let (address, task) = super::spawn(application(&log).layer(layer)).await;
    McpServer {
        issuer,
        clock,
        log,
        guard,
        address,
        task,
    }
}

async fn serve(
    State(log): State<Log>,
    method: Method,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let is_modern = headers
        .get("mcp-protocol-version")
        .is_some_and(|value| value == MODERN);
    let Some(messages) = body.as_array() else {
        let Some((status, answer)) = answer(&log, &body, is_modern) else {
            return StatusCode::ACCEPTED.into_response();
        };
        return written(status, &headers, &answer);
    };
    let answers = messages
        .iter()
        .filter_map(|message| answer(&log, message, is_modern));
    let answers: Vec<Value> = answers.map(|(_, answer)| answer).collect();
    if answers.is_empty() {
        return StatusCode::ACCEPTED.into_response();
    }
    written(StatusCode::OK, &headers, &Value::from(answers))
}

fn written(status: StatusCode, headers: &http::HeaderMap, answer: &Value) -> Response {
    let accept = headers
        .get("accept")
        .and_then(|accept| accept.to_str().ok());
    let text = answer.to_string();
    if status == StatusCode::OK && accept == Some("text/event-stream") {
        let event = format!("event: message\ndata: {text}\n\n");
        return ([("content-type", "text/event-stream")], event).into_response();
    }
    (status, [("content-type", "application/json")], text).into_response()
}

/// The codes of JSON-RPC for params that do not fit, and for a method that there is not.
const UNFIT: i32 = -32602;
const UNKNOWN: i32 = -32601;

/// What a message is answered with; nothing if it asks for no answer.
fn answer(log: &Log, message: &Value, is_modern: bool) -> Option<(StatusCode, Value)> {
    let id = message.get("id")?;
    let method = message.get("method")?.as_str()?;
    let params = &message["params"];
    let name = params["name"].as_str().unwrap_or_default();
    let result = match method {
        "initialize" => Ok(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "serverInfo": { "name": "plain", "version": "1" },
        })),
        "server/discover" => Ok(json!({ "supportedVersions": [MODERN] })),
        "ping" => Ok(json!({})),
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            let is_first = params.get("cursor").is_none();
            is_first.then(|| json!({ "tools": [] })).ok_or(UNFIT)
        }
        "tools/call" => tool(log, name, &params["arguments"]).ok_or(UNFIT),
        "prompts/get" if name == "greeting" => {
            log.ran(name);
            Ok(json!({ "messages": [] }))
        }
        "resources/read" => {
            let read = ran(params["uri"].as_str().unwrap_or_default());
            let read = read.map(|ran| {
                log.ran(ran);
                json!({ "contents": [] })
            });
            read.ok_or(UNFIT)
        }
        "completion/complete" | "logging/setLevel" | "example/index" => {
            log.ran(method);
            Ok(json!({}))
        }
        "prompts/get" => Err(UNFIT),
        _ => Err(UNKNOWN),
    };
    Some(match result {
        Ok(result) => (
            StatusCode::OK,
            json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        ),
        Err(code) => {
            let status = match code {
                UNKNOWN => StatusCode::NOT_FOUND,
                _ if is_modern => StatusCode::BAD_REQUEST,
                _ => StatusCode::OK,
            };
            let error = json!({ "code": code, "message": "no" });
            (
                status,
                json!({ "jsonrpc": "2.0", "id": id, "error": error }),
            )
        }
    })
}

/// The result of a tool; nothing if there is no such tool.
fn tool(log: &Log, name: &str, arguments: &Value) -> Option<Value> {
    match name {
        "delete_file" if arguments["path"].is_number() => {
            Some(json!({ "content": [], "isError": true }))
        }
        "get_weather" | "delete_file" | "one_of" | "whoami" | "export" => {
            log.ran(name);
            Some(json!({ "content": [{ "type": "text", "text": name }] }))
        }
        _ => None,
    }
}

/// What the router's handler of a resource would have seen.
fn ran(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok()?;
    let path = url.path().strip_prefix('/')?;
    let plain = |text: &str| {
        let text = format!("x={}", text.replace('+', "%2B"));
        let (_, value) = url::form_urlencoded::parse(text.as_bytes()).next()?;
        Some(value.into_owned())
    };
    match path.split_once('/')? {
        ("pub", name) => plain(name).map(|name| match &*name {
            "readme.txt" => "readme".to_owned(),
            _ => format!("page {name}"),
        }),
        ("private", path) => plain(path).map(|path| format!("tree {path}")),
        _ => None,
    }
}
