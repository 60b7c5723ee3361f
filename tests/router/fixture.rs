//! A served `mcp::Router`, and a client that writes MCP requests over real connections.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::missing_panics_doc,
    reason = "each test binary uses a part of it"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use clearance::mcp::{self, McpScopes, ToolsRead};
use clearance::testing::{Issuer, ManualClock};
use clearance::{Guard, GuardBuilder, Ready, scopes};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support;
use crate::support::http::bearer_challenge;

scopes! {
    /// A server of files.
    pub vocabulary Files includes McpScopes;
    pub FilesRead = "files:read";
    pub FilesDelete = "files:delete";
}

/// Every standard scope of a list.
pub const LISTS: &str = "mcp:tools:read mcp:prompts:list mcp:resources:list";

/// A router on loopback, and what is around it.
pub struct Site {
    pub issuer: Issuer,
    pub clock: ManualClock,
    pub guard: Guard<Files>,
    pub address: SocketAddr,
    /// The same server without a connection.
    pub app: axum::Router,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A router over a ready guard, served.
pub async fn site<St: Clone + Send + Sync + 'static>(
    make: impl FnOnce(&Guard<Files>) -> mcp::Router<Files, St>,
) -> Site {
    site_with(|guard| guard, make).await
}

/// The same with a guard that is changed first.
pub async fn site_with<St: Clone + Send + Sync + 'static>(
    change: impl FnOnce(GuardBuilder<Files, Ready>) -> GuardBuilder<Files, Ready>,
    make: impl FnOnce(&Guard<Files>) -> mcp::Router<Files, St>,
) -> Site {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let builder = Guard::<Files>::builder(support::resource())
        .baseline::<ToolsRead>()
        .unlimited()
        .clock(Arc::new(clock.clone()))
        .issuer(issuer.id().clone());
    let guard = change(builder).build().expect("a guard");
    guard.ready().await.expect("keys");
    let app: axum::Router = make(&guard).build().expect("a router");
    let (address, task) = support::spawn(app.clone()).await;
    Site {
        issuer,
        clock,
        guard,
        address,
        app,
        task,
    }
}

/// A guard that nobody asks anything.
pub fn guard() -> Guard<Files> {
    Guard::<Files>::builder(support::resource())
        .issuer("https://auth.example.com".parse().expect("an issuer"))
        .build()
        .expect("a guard")
}

/// A request: `old` as 2025-11-25 writes it, `new` as 2026-07-28 does.
#[derive(Clone, Debug)]
pub struct Message {
    /// As it stands in the body.
    pub id: String,
    pub method: String,
    pub params: Value,
    pub accept: String,
    pub headers: Vec<(&'static str, String)>,
}

/// How a request is written.
pub type Written = fn(&str, Value) -> Message;

/// Both ways.
pub const BOTH: [Written; 2] = [old, new];

/// Both ways, with the HTTP status of an error about what a call names.
pub const IN_BAND: [(Written, u16); 2] = [(old, 200), (new, 400)];

/// Whether it is 2026-07-28.
pub fn is_new(written: Written) -> bool {
    written("", json!({})).headers.len() > 1
}

pub fn old(method: &str, params: Value) -> Message {
    let version = ("mcp-protocol-version", "2025-11-25".to_owned());
    Message {
        id: "1".to_owned(),
        method: method.to_owned(),
        params,
        accept: "application/json, text/event-stream".to_owned(),
        headers: vec![version],
    }
}

pub fn new(method: &str, mut params: Value) -> Message {
    const VERSION: &str = "2026-07-28";
    let target = params.get("name").or_else(|| params.get("uri"));
    let target = target.and_then(Value::as_str).map(str::to_owned);
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(VERSION);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let mut message = old(method, params);
    message.headers = vec![
        ("mcp-protocol-version", VERSION.to_owned()),
        ("mcp-method", method.to_owned()),
    ];
    message
        .headers
        .extend(target.map(|target| ("mcp-name", target)));
    message
}

/// A call of a tool, whose progress is not asked for.
pub fn call(written: Written, tool: &str, arguments: &Value) -> Message {
    written(
        "tools/call",
        json!({ "name": tool, "arguments": arguments }),
    )
}

impl Message {
    /// With another id, as it stands in the body.
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    pub fn accept(mut self, accept: &str) -> Self {
        accept.clone_into(&mut self.accept);
        self
    }

    /// Asks for progress under this token.
    pub fn with_progress(mut self, token: &Value) -> Self {
        self.params["_meta"]["progressToken"] = token.clone();
        self
    }

    pub fn body(&self) -> String {
        let Self {
            id, method, params, ..
        } = self;
        let method = Value::from(method.as_str());
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
    }

    pub fn request(&self, token: &str) -> Request<Full<Bytes>> {
        let mut request = post(token, self.body());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, self.accept.parse().expect("a header value"));
        for (name, value) in &self.headers {
            headers.insert(*name, value.parse().expect("a header value"));
        }
        request
    }
}

/// A body, without the headers of any revision; an empty token is none.
pub fn post(token: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::post("/mcp")
        .header("host", "mcp.example.com")
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream");
    if !token.is_empty() {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Full::new(body.into())).expect("a request")
}

/// Sends a request on a connection of its own.
pub async fn try_send(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .expect("HTTP/1.1");
    tokio::spawn(connection);
    sender.send_request(request).await
}

impl Site {
    pub fn token(&self, scope: &str) -> String {
        self.issuer.token().scope(scope).mint()
    }

    /// The answer's head; its body is still to be read.
    pub async fn open(&self, token: &str, message: &Message) -> Response<Incoming> {
        try_send(self.address, message.request(token))
            .await
            .expect("an answer")
    }

    pub async fn send(&self, token: &str, message: &Message) -> Reply {
        self.request(message.request(token)).await
    }

    pub async fn request(&self, request: Request<Full<Bytes>>) -> Reply {
        let answer = try_send(self.address, request).await.expect("an answer");
        Reply::read(answer).await
    }

    /// Without a connection.
    pub async fn local(&self, request: Request<Body>) -> Reply {
        let answer = tower::ServiceExt::oneshot(self.app.clone(), request).await;
        Reply::read(answer.expect("an answer")).await
    }

    /// What a list shows to a token: the names, or the URIs, in their order.
    pub async fn list(&self, token: &str, written: Written, method: &str) -> Vec<String> {
        let reply = self.send(token, &written(method, json!({}))).await;
        let result = reply.result();
        let members = result.as_object().expect("a result");
        let shown = members.values().find_map(Value::as_array).expect("a list");
        let names = shown.iter().map(|shown| {
            let name = ["uri", "uriTemplate", "name"]
                .iter()
                .find_map(|member| shown[member].as_str());
            name.expect("a name").to_owned()
        });
        names.collect()
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub async fn read<B>(answer: Response<B>) -> Self
    where
        B: hyper::body::Body<Error: std::fmt::Debug>,
    {
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("a body in UTF-8"),
        }
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.expect("a header").expect("ASCII")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// The result of a call that went well.
    #[track_caller]
    pub fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        let mut body = self.json();
        assert_eq!((&body["jsonrpc"], body.get("error")), (&json!("2.0"), None));
        body["result"].take()
    }

    /// The status, and code and message of the JSON-RPC error.
    #[track_caller]
    pub fn error(&self) -> (u16, i64, String) {
        let body = self.json();
        assert_eq!(
            (&body["jsonrpc"], body.get("result")),
            (&json!("2.0"), None)
        );
        let error = &body["error"];
        let message = error["message"].as_str().expect("a message").to_owned();
        (
            self.status,
            error["code"].as_i64().expect("a code"),
            message,
        )
    }

    /// A 403 with this scope in its challenge.
    #[track_caller]
    pub fn assert_403(&self, scope: &str) {
        assert_eq!(self.status, 403, "{self:?}");
        assert_eq!(self.json()["error"]["code"], 40300);
        let challenge = bearer_challenge(self.header(WWW_AUTHENTICATE.as_str()));
        assert_eq!(challenge.get("error"), Some("insufficient_scope"));
        assert_eq!(challenge.get("scope"), Some(scope));
        assert_eq!(challenge.get("resource_metadata"), Some(support::M));
    }

    /// The messages of an event stream.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        assert_eq!(self.header("content-type"), "text/event-stream", "{self:?}");
        events(&self.text)
    }
}

/// The messages of these events, as strict as they are written.
#[track_caller]
pub fn events(text: &str) -> Vec<Value> {
    let rest = text.strip_suffix("\n\n");
    assert!(text.is_empty() || rest.is_some(), "half an event: {text:?}");
    let events = rest.into_iter().flat_map(|rest| rest.split("\n\n"));
    let data = events.map(|event| {
        let data = event.strip_prefix("event: message\ndata: ");
        serde_json::from_str(data.expect("an event")).expect("JSON")
    });
    data.collect()
}
