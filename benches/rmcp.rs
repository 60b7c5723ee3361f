//! What a guard adds to a tool call in the official SDK: the layer, `Secured`, the router's check and
//! the proof, over rmcp's service behind middleware that verifies the token and does nothing else.
//!
//! `cargo bench --bench rmcp` prints medians from a loop that takes all sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::mcp::{McpScopes, Policy, ToolsExecute};
use clearance::rmcp::{SecureToolRouter, Secured};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard, GuardBuilder};
use common::{Turn, each, guard, median, mint};
use http_body_util::BodyExt as _;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::Deserialize;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// How many tokens there are, used in turn.
const TOKENS: usize = 1_024;
const ROUNDS: usize = 1_000;
/// What is added to rmcp's own time.
const ADDED_BAR: f64 = 0.05;

#[derive(Deserialize, JsonSchema)]
struct File {
    path: String,
}

#[derive(Clone)]
struct Plain {
    tools: ToolRouter<Self>,
}

#[tool_router]
impl Plain {
    #[tool(description = "Reads a file")]
    async fn read(&self, Parameters(File { path }): Parameters<File>) -> String {
        path
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Plain {}

#[derive(Clone)]
struct Guarded {
    tools: SecureToolRouter<Self, McpScopes>,
}

impl Guarded {
    #[tool(description = "Reads a file")]
    async fn read(
        &self,
        _: Authorized<ToolsExecute>,
        Parameters(File { path }): Parameters<File>,
    ) -> String {
        path
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Guarded {}

fn service<H: ServerHandler + Clone>(handler: H, mode: Mode) -> Router {
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_legacy_session_mode(mode == Mode::Sessions)
        .with_json_response(mode == Mode::Json);
    let make = move || Ok(handler.clone());
    let sessions = LocalSessionManager::default();
    let service = StreamableHttpService::new(make, sessions.into(), config);
    Router::new().nest_service("/mcp", service)
}

/// How rmcp answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Sessions,
    Stream,
    Json,
}

impl Mode {
    const fn revision(self) -> &'static str {
        match self {
            Self::Sessions => "2025-11-25",
            Self::Stream | Self::Json => "2026-07-28",
        }
    }
}

/// One side: a service, and a session on it if it has sessions.
struct Side {
    service: Router,
    session: Option<String>,
}

impl Side {
    async fn of(service: Router, mode: Mode, token: &str) -> Self {
        let mut side = Self {
            service,
            session: None,
        };
        if mode == Mode::Sessions {
            let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{
                "protocolVersion":"2025-11-25","capabilities":{},
                "clientInfo":{"name":"bench","version":"1"}}}"#;
            let answer = side.answer(side.post(mode, token, hello)).await;
            let session = answer.expect("a session");
            side.session = Some(session);
            let told = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            side.answer(side.post(mode, token, told)).await;
        }
        side
    }

    fn post(&self, mode: Mode, token: &str, body: &str) -> Request<Body> {
        let mut request = Request::post("/mcp")
            .header(header::HOST, "files.example.com")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header("mcp-protocol-version", mode.revision());
        if mode != Mode::Sessions {
            request = request
                .header("mcp-method", "tools/call")
                .header("mcp-name", "read");
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        request
            .body(Body::from(body.to_owned()))
            .expect("a request")
    }

    fn call(&self, mode: Mode, token: &str) -> Request<Body> {
        let meta = if mode == Mode::Sessions {
            ""
        } else {
            r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/clientCapabilities":{}}"#
        };
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{
            "name":"read","arguments":{{"path":"notes.txt"}}{meta}}}}}"#
        );
        self.post(mode, token, &body)
    }

    /// Reads all of the answer; gives the session that it names.
    async fn answer(&self, request: Request<Body>) -> Option<String> {
        let answer = self
            .service
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        let session = answer.headers().get("mcp-session-id");
        let session = session.and_then(|session| session.to_str().ok());
        let session = session.map(str::to_owned);
        let mut body = answer.into_body();
        let mut seen = Vec::new();
        // A stream of a session stays open after its answer.
        while let Some(frame) = body.frame().await {
            seen.extend_from_slice(&frame.expect("a frame").into_data().unwrap_or_default());
            if seen.windows(8).any(|part| part == b"\"result\"") {
                break;
            }
        }
        session
    }

    async fn time(&self, requests: Vec<Request<Body>>) -> f64 {
        let start = SystemClock.monotonic();
        for request in requests {
            self.answer(request).await;
        }
        each(start)
    }
}

async fn pass(request: Request<Body>, next: Next) -> Response {
    next.run(request).await
}

async fn verify(
    State(guard): State<Guard<McpScopes>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let proof: Authorized<()> = guard.authorize(&mut parts).await.expect("a proof");
    drop(std::hint::black_box(proof));
    next.run(Request::from_parts(parts, body)).await
}

async fn measure(guard: &Guard<McpScopes>, tokens: &Turn<String>, mode: Mode) {
    let plain = Plain {
        tools: Plain::tool_router(),
    };
    let guarded = Guarded {
        tools: SecureToolRouter::new(guard).tool(Guarded::read_tool_attr(), Guarded::read),
    };
    let layer = AuthorizationLayer::builder(guard, Policy::standard().include(&guarded.tools))
        .seal_keys(SealKeys::this_process_only())
        .build()
        .expect("a layer");
    let owner = tokens.next();
    let bare = service(plain.clone(), mode).layer(from_fn(pass));
    let bare = Side::of(bare, mode, owner).await;
    let verified = service(plain, mode).layer(from_fn_with_state(guard.clone(), verify));
    let verified = Side::of(verified, mode, owner).await;
    let ours = service(Secured::new(guarded), mode).layer(layer);
    let ours = Side::of(ours, mode, owner).await;
    let calls = |side: &Side| {
        // A session is its owner's.
        tokens.batch(|token| {
            let token = if mode == Mode::Sessions { owner } else { token };
            side.call(mode, token)
        })
    };
    let (mut own, mut guards, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(bare.time(calls(&bare)).await);
        guards.push(ours.time(calls(&ours)).await);
        checks.push(verified.time(calls(&verified)).await);
    }
    let [own, guards, checks] = [own, guards, checks].map(|times| median(&times));
    let added = guards - checks;
    println!(
        "{mode:<9?} rmcp {own:>8.0} ns, with verification {checks:>8.0} ns, guarded {guards:>8.0} ns; \
         added {added:>6.0} ns: {:.3} of rmcp's own time (bar {ADDED_BAR})",
        added / own
    );
}

fn main() {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let resource = "https://files.example.com/mcp".parse().expect("a resource");
        let issuer = Issuer::builder(resource)
            .algorithms([Algorithm::RS256])
            .start()
            .await
            .expect("an issuer");
        let guard = guard(&issuer, GuardBuilder::unlimited).await;
        let tokens = (0..TOKENS).map(|number| mint(&issuer, Algorithm::RS256, number));
        let tokens = Turn::new(tokens.collect());
        for mode in [Mode::Json, Mode::Stream, Mode::Sessions] {
            measure(&guard, &tokens, mode).await;
        }
    });
}
