//! What a guard adds to a tool call in the official SDK, the verification of the token apart: the layer,
//! `Secured`, the router's check and the proof, over rmcp's service behind a layer that does nothing.
//!
//! The tokens are verified before the clock runs, by a layer further outside: what was admitted there is
//! not verified once more. `cargo bench --bench rmcp` prints medians from a loop that takes both in turn,
//! and the fastest tenth of each: in this process, and as a client on another thread sees it over loopback.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Extensions, Request, Response, header};
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::mcp::{McpScopes, Policy, ToolsExecute};
use clearance::rmcp::{SecureToolRouter, Secured};
use clearance::session::SealKeys;
use clearance::{AuthorizationLayer, Authorized, GuardBuilder};
use common::{Turn, each, guard, issuer, median, mint, quiet, runtime};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tower::layer::util::Identity;
use tower::util::MapRequestLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// How many callers there are, in turn.
const CALLERS: usize = 1_024;
const ROUNDS: usize = 1_000;
/// What is added to rmcp's own time.
const ADDED_BAR: f64 = 0.05;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{
    "protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

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
    way: Way,
    mode: Mode,
    session: Option<String>,
}

/// How requests get there.
enum Way {
    Here(Router),
    /// Over a connection that stays open.
    Loopback(Mutex<SendRequest<Body>>),
}

impl Side {
    async fn of(service: Router, mode: Mode, owner: &Extensions) -> Self {
        let mut side = Self {
            way: Way::Here(service),
            mode,
            session: None,
        };
        if mode == Mode::Sessions {
            side.session = side.answer(side.post(owner, INITIALIZE)).await;
            side.answer(side.post(owner, INITIALIZED)).await;
        }
        side
    }

    /// The same, on another thread behind a socket. Who calls is the same each time.
    async fn over_loopback(service: Router, mode: Mode, caller: &Extensions, on: &Runtime) -> Self {
        let caller = caller.clone();
        let service = service.layer(MapRequestLayer::new(move |mut request: Request<Body>| {
            request.extensions_mut().extend(caller.clone());
            request
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let listener = listener.into_std().expect("a socket");
        on.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, service).await.expect("a server");
        });
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Self {
            way: Way::Loopback(Mutex::new(sender)),
            mode,
            session: None,
        }
    }

    fn post(&self, caller: &Extensions, body: &str) -> Request<Body> {
        let mut request = Request::post("/mcp")
            .header(header::HOST, "files.example.com")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", self.mode.revision());
        if self.mode != Mode::Sessions {
            request = request
                .header("mcp-method", "tools/call")
                .header("mcp-name", "read");
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        let body = Body::from(body.to_owned());
        let mut request = request.body(body).expect("a request");
        request.extensions_mut().clone_from(caller);
        request
    }

    fn call(&self, caller: &Extensions) -> Request<Body> {
        let meta = if self.mode == Mode::Sessions {
            ""
        } else {
            r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/clientCapabilities":{}}"#
        };
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{
            "name":"read","arguments":{{"path":"notes.txt"}}{meta}}}}}"#
        );
        self.post(caller, &body)
    }

    /// Reads the answer; gives the session that it names.
    async fn answer(&self, request: Request<Body>) -> Option<String> {
        let service = match &self.way {
            Way::Here(service) => service.clone(),
            Way::Loopback(sender) => {
                let mut sender = sender.lock().await;
                sender.ready().await.expect("a connection");
                let answer = sender.send_request(request).await.expect("an answer");
                assert!(answer.status().is_success(), "{answer:?}");
                answer.into_body().collect().await.expect("a body");
                return None;
            }
        };
        let answer = service.oneshot(request).await.expect("an answer");
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

    async fn time(&self, callers: &Turn<Extensions>) -> f64 {
        let requests = callers.batch(|caller| self.call(caller));
        let start = SystemClock.monotonic();
        for request in requests {
            self.answer(request).await;
        }
        each(start)
    }
}

/// What a layer further outside leaves in a request whose token it verified.
async fn admitted(layer: &AuthorizationLayer, token: &str) -> Extensions {
    let left = service_fn(|request: Request<_>| async move {
        let mut answer = Response::new(Body::empty());
        *answer.extensions_mut() = request.into_parts().0.extensions;
        Ok::<_, Infallible>(answer)
    });
    let request = Request::post("/mcp")
        .header(header::HOST, "files.example.com")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::from(INITIALIZE)).expect("a request");
    let answer = layer.layer(left).oneshot(request).await;
    let answer = answer.expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
    answer.into_parts().0.extensions
}

fn main() {
    let runtime = runtime();
    runtime.block_on(async {
        let issuer = issuer([Algorithm::RS256]).await;
        let guard = guard(&issuer, GuardBuilder::unlimited).await;
        let plain = Plain {
            tools: Plain::tool_router(),
        };
        let guarded = Guarded {
            tools: SecureToolRouter::new(&guard).tool(Guarded::read_tool_attr(), Guarded::read),
        };
        let policy = Policy::standard().include(&guarded.tools);
        let layer = AuthorizationLayer::builder(&guard, policy)
            .seal_keys(SealKeys::this_process_only())
            .build()
            .expect("a layer");
        let mut callers = Vec::new();
        for number in 0..CALLERS {
            let token = mint(&issuer, Algorithm::RS256, number);
            callers.push(admitted(&layer, &token).await);
        }
        let both = Both {
            plain,
            guarded,
            layer,
        };
        for mode in [Mode::Json, Mode::Stream, Mode::Sessions] {
            both.compare_here(mode, &callers).await;
        }
        // Streams stay open after their answer, and a connection with them.
        both.compare_over_loopback(Mode::Json, &callers).await;
    });
}

/// What is compared.
struct Both {
    plain: Plain,
    guarded: Guarded,
    layer: AuthorizationLayer,
}

impl Both {
    async fn compare_here(&self, mode: Mode, callers: &[Extensions]) {
        // A session is its owner's.
        let many = if mode == Mode::Sessions { 1 } else { CALLERS };
        let callers = Turn::new(callers.iter().take(many).cloned().collect());
        let own = service(self.plain.clone(), mode).layer(Identity::new());
        let own = Side::of(own, mode, callers.next()).await;
        let sides = [
            ("all of it", self.all(mode)),
            (
                "layer and `Secured`",
                service(Secured::new(self.plain.clone()), mode).layer(self.layer.clone()),
            ),
            (
                "layer alone",
                service(self.plain.clone(), mode).layer(self.layer.clone()),
            ),
        ];
        let mut ours = Vec::new();
        for (what, service) in sides {
            ours.push((what, Side::of(service, mode, callers.next()).await));
        }
        compare(mode, &own, &ours, &callers).await;
    }

    async fn compare_over_loopback(&self, mode: Mode, callers: &[Extensions]) {
        let servers = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let callers = Turn::new(callers.iter().take(1).cloned().collect());
        let own = service(self.plain.clone(), mode).layer(Identity::new());
        let own = Side::over_loopback(own, mode, callers.next(), &servers).await;
        let ours = Side::over_loopback(self.all(mode), mode, callers.next(), &servers).await;
        compare(mode, &own, &[("all, over loopback", ours)], &callers).await;
        servers.shutdown_background();
    }

    fn all(&self, mode: Mode) -> Router {
        service(Secured::new(self.guarded.clone()), mode).layer(self.layer.clone())
    }
}

async fn compare(mode: Mode, own: &Side, ours: &[(&str, Side)], callers: &Turn<Extensions>) {
    let mut plain = Vec::new();
    let mut guarded = vec![Vec::new(); ours.len()];
    for _ in 0..ROUNDS {
        plain.push(own.time(callers).await);
        for ((_, side), times) in ours.iter().zip(&mut guarded) {
            times.push(side.time(callers).await);
        }
    }
    for ((what, _), times) in ours.iter().zip(&guarded) {
        report((mode, what), "median", median(&plain), median(times));
        report((mode, what), "quiet", quiet(&plain), quiet(times));
    }
}

fn report((mode, what): (Mode, &str), which: &str, own: f64, ours: f64) {
    let added = ours - own;
    println!(
        "{mode:<9?} {what:<20} {which:<7} rmcp {own:>7.0} ns, guarded {ours:>7.0} ns; added {added:>6.0} ns: \
         {:.3} of rmcp's own time (bar {ADDED_BAR})",
        added / own
    );
}
