//! The files server on loopback, in every mode of rmcp's HTTP service, and requests for it.

use std::net::SocketAddr;

use clearance::mcp::method::{
    CompletionComplete, PromptsList, ResourcesList, ResourcesTemplatesList, ToolsList,
};
use clearance::mcp::{Policy, any_valid_token};
use clearance::rmcp::Secured;
use clearance::{AuthorizationLayer, Guard};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use super::files::Files;
use crate::support::client::send;
use crate::support::mcp::McpServer;
use crate::support::request::{MODERN, Request};
use crate::support::service::LEGACY;
use crate::support::{Answer, Fixture, plain, spawn};

/// How rmcp's HTTP service is set up, and which revision its client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Sessions,
    Stateless,
    StatelessJson,
    Modern,
    ModernJson,
}

impl Mode {
    pub(super) const ALL: [Self; 5] = [
        Self::Sessions,
        Self::Stateless,
        Self::StatelessJson,
        Self::Modern,
        Self::ModernJson,
    ];

    pub(super) const fn revision(self) -> &'static str {
        match self {
            Self::Sessions | Self::Stateless | Self::StatelessJson => LEGACY,
            Self::Modern | Self::ModernJson => MODERN,
        }
    }

    /// Whether the head of an answer waits for the first message.
    pub(super) const fn waits(self) -> bool {
        !matches!(self, Self::Sessions | Self::Stateless)
    }

    pub(super) fn config(self) -> StreamableHttpServerConfig {
        let json = matches!(self, Self::StatelessJson | Self::ModernJson);
        StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .with_json_response(json)
            .with_legacy_session_mode(self == Self::Sessions)
    }
}

/// A running files server.
pub(super) struct Stage {
    pub(super) server: McpServer,
    pub(super) mode: Mode,
    pub(super) address: SocketAddr,
    pub(super) task: tokio::task::JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// rmcp's HTTP service over any server.
pub(super) fn router<H: ServerHandler + Clone>(handler: H, mode: Mode) -> axum::Router {
    let make = move || Ok(handler.clone());
    let sessions = LocalSessionManager::default().into();
    let service = StreamableHttpService::new(make, sessions, mode.config());
    axum::Router::new().nest_service("/mcp", service)
}

pub(super) fn layer(guard: &Guard<Fixture>, policy: Policy<Fixture>) -> AuthorizationLayer {
    let builder = AuthorizationLayer::builder(guard, policy);
    builder.seal_keys(plain::keys()).build().expect("a layer")
}

/// The files server as users write it.
pub(super) async fn stage(mode: Mode) -> Stage {
    let server = plain::server().await;
    let files = Files::new(&server.guard, &server.log);
    let policy = files.policy();
    stage_with(server, files, policy, mode).await
}

/// The files server under another policy.
pub(super) async fn stage_with(
    server: McpServer,
    files: Files,
    policy: Policy<Fixture>,
    mode: Mode,
) -> Stage {
    let layer = layer(&server.guard, policy);
    stage_of(server, router(Secured::new(files), mode).layer(layer), mode).await
}

/// A policy that lets every valid token pass, so that the handlers decide.
pub(super) fn open() -> Policy<Fixture> {
    Policy::closed()
        .tools(any_valid_token())
        .prompts(any_valid_token())
        .resources(any_valid_token())
        .method(ToolsList, any_valid_token())
        .method(PromptsList, any_valid_token())
        .method(ResourcesList, any_valid_token())
        .method(ResourcesTemplatesList, any_valid_token())
        .method(CompletionComplete, any_valid_token())
}

/// Another server.
pub(super) async fn stage_of(server: McpServer, router: axum::Router, mode: Mode) -> Stage {
    let (address, task) = spawn(router).await;
    Stage {
        server,
        mode,
        address,
        task,
    }
}

impl Stage {
    /// A request with what its mode needs: a session of the caller's, if there are sessions.
    pub(super) async fn request(&self, call: &str, token: &str) -> Request {
        let request = Request::new(self.mode.revision(), call).bearer(token);
        if self.mode == Mode::Sessions {
            let session = self.begin(token).await;
            return request.with("mcp-session-id", &session);
        }
        request
    }

    /// Begins a session.
    pub(super) async fn begin(&self, token: &str) -> String {
        begin(self.address, token).await
    }

    /// The request that begins a session.
    pub(super) fn hello() -> Request {
        let hello = json!({ "params": {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        } });
        Request::new(LEGACY, "initialize").patched(&hello)
    }

    pub(super) async fn send(&self, request: &Request) -> Answer {
        send(self.address, request).await
    }

    /// Calls what `call` names with these members in its parameters.
    pub(super) async fn call(&self, call: &str, params: &Value, scopes: &str) -> Answer {
        let request = self.request(call, &self.server.token(scopes)).await;
        let request = request.patched(&json!({ "params": params }));
        self.send(&request).await
    }

    pub(super) async fn tool(&self, name: &str, arguments: &Value, scopes: &str) -> Answer {
        let call = format!("tools/call {name}");
        self.call(&call, &json!({ "arguments": arguments }), scopes)
            .await
    }
}

/// Begins a session.
pub(super) async fn begin(address: SocketAddr, token: &str) -> String {
    let answer = send(address, &Stage::hello().bearer(token)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = answer.header("mcp-session-id").expect("a session");
    let said = Request::new(LEGACY, "notifications/initialized").bearer(token);
    let answer = send(address, &said.with("mcp-session-id", session)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    session.to_owned()
}

/// The last message of an answer, be it a document or a stream.
#[track_caller]
pub(super) fn last(answer: &Answer) -> Value {
    let is_stream = answer.header("content-type") == Some("text/event-stream");
    let text = if is_stream {
        let lines = answer.body.lines();
        let mut data = lines.filter_map(|line| line.strip_prefix("data: "));
        data.rfind(|data| !data.is_empty())
    } else {
        Some(answer.body.as_str())
    };
    let text = text.unwrap_or_else(|| panic!("no message: {answer:?}"));
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

/// That an answer asks for these scopes.
#[track_caller]
pub(super) fn assert_challenges(answer: &Answer, scope: &str) {
    assert_eq!(answer.status, 403, "{answer:?}");
    let challenge = answer.challenge();
    let value = |name: &str| {
        let found = challenge.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(value("error"), Some("insufficient_scope"), "{answer:?}");
    assert_eq!(value("scope"), Some(scope), "{answer:?}");
    let message: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(message["error"]["code"], 40300, "{answer:?}");
    assert_eq!(message["id"], 1, "{answer:?}");
}
