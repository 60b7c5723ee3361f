//! What an MCP client says, in the revision that it is told to speak.

use std::error::Error;

use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use tower::{Service, ServiceExt as _};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A client of one server, that sends over `http`.
pub(crate) struct Peer<S> {
    http: S,
    url: String,
    revision: String,
    session: Option<String>,
    last_id: u32,
}

impl<S> Peer<S>
where
    S: Service<reqwest::Request, Response = reqwest::Response> + Clone,
    S::Error: Error + Send + Sync + 'static,
{
    pub(crate) fn new(http: S, url: String, revision: String) -> Self {
        Self {
            http,
            url,
            revision,
            session: None,
            last_id: 0,
        }
    }

    /// Connects, and does what clients do most: lists tools, and calls one.
    pub(crate) async fn talk(&mut self) -> Result<(), Failure> {
        if self.is_stateful() {
            let client = json!({ "name": "clearance", "version": "1.0.0" });
            let params = json!({
                "protocolVersion": self.revision, "capabilities": {}, "clientInfo": client,
            });
            self.request("initialize", params).await?;
            self.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
                .await?;
        }
        self.request("tools/list", json!({})).await?;
        let call = json!({ "name": "test-tool", "arguments": {} });
        self.request("tools/call", call).await?;
        Ok(())
    }

    /// Whether a connection begins with a handshake.
    fn is_stateful(&self) -> bool {
        *self.revision < *"2026-07-28"
    }

    async fn request(&mut self, method: &str, mut params: Value) -> Result<(), Failure> {
        if !self.is_stateful() {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.revision,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "clearance", "version": "1.0.0" },
            });
        }
        self.last_id += 1;
        let id = self.last_id;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let answer = self.send(message).await?;
        if answer.contains(r#""result""#) {
            return Ok(());
        }
        Err(format!("{method} has no result: {answer}").into())
    }

    /// Posts one message; gives the answer, which is JSON or a stream of one event.
    async fn send(&mut self, message: Value) -> Result<String, Failure> {
        let mut request = reqwest::Request::new(http::Method::POST, self.url.parse()?);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, "application/json".parse()?);
        headers.insert(ACCEPT, "application/json, text/event-stream".parse()?);
        let method = message["method"].as_str().unwrap_or_default();
        if method != "initialize" {
            headers.insert("mcp-protocol-version", self.revision.parse()?);
        }
        if *self.revision >= *"2026-07-28" {
            headers.insert("mcp-method", method.parse()?);
            if let Some(name) = message["params"]["name"].as_str() {
                headers.insert("mcp-name", name.parse()?);
            }
        }
        if let Some(session) = &self.session {
            headers.insert("mcp-session-id", session.parse()?);
        }
        *request.body_mut() = Some(message.to_string().into());
        let response = self.http.clone().oneshot(request).await?;
        let (status, headers) = (response.status(), response.headers());
        if let Some(session) = headers.get("mcp-session-id") {
            self.session = Some(session.to_str()?.to_owned());
        }
        let text = response.text().await?;
        if status.is_success() {
            return Ok(text);
        }
        Err(format!("{method} is answered {status}").into())
    }
}
