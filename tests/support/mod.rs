//! The fixture of the row tests: a guarded axum server on loopback, its issuer, and a client that
//! writes requests byte by byte.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::missing_panics_doc,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

pub mod around;

pub mod attempts;

pub mod client;

pub mod http;

pub mod mcp;

pub mod plain;

pub mod proxy;

pub mod request;

pub mod service;

pub mod spy;

pub mod tokens;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use clearance::id::Resource;
use clearance::jwk::Algorithm;
use clearance::keys::FixedKeys;
use clearance::limit::{Peers, Quota};
use clearance::scope::AnyOf;
use clearance::testing::{Issuer, ManualClock};
use clearance::{
    Authorized, Guard, GuardBuilder, Guarded, Ready, TrustedIssuer, metadata_routes, scopes,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The resource, `E` in the requirements.
pub const E: &str = "https://mcp.example.com/mcp";
/// Its metadata, `M` in the requirements.
pub const M: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
/// What ties together requests that must be answered byte for byte alike.
pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// The header line that says so.
pub const TRACE_PARENT: &str =
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// The path of [`M`].
pub const M_PATH: &str = "/.well-known/oauth-protected-resource/mcp";

/// More refusals than a test makes.
pub const PATIENCE: Quota = Quota::per_second(1_000_000);

scopes! {
    /// The vocabulary of the requirements' examples.
    pub vocabulary Fixture;
    pub ToolsRead = "mcp:tools.read";
    pub FilesRead = "files:read";
    pub FilesWrite = "files:write";
    pub McpAdmin = "mcp:admin" includes FilesRead, FilesWrite;
    pub ScopeA = "a";
    pub ScopeB = "b";
}

/// What handlers share.
#[derive(Clone)]
pub struct App {
    pub guard: Guard<Fixture>,
    /// How often a handler ran.
    pub ran: Arc<AtomicU64>,
}

impl Guarded for App {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

fn ran<S: clearance::scope::Set>(app: &App, auth: &Authorized<S>) -> String {
    app.ran.fetch_add(1, Ordering::SeqCst);
    format!("{}|{}|{}", auth.issuer(), auth.subject(), auth.client())
}

async fn list(auth: Authorized<ToolsRead>, State(app): State<App>) -> String {
    ran(&app, &auth)
}

async fn delete(auth: Authorized<(FilesRead, FilesWrite)>, State(app): State<App>) -> String {
    ran(&app, &auth)
}

async fn one_of(auth: Authorized<AnyOf<(ScopeA, ScopeB)>>, State(app): State<App>) -> String {
    ran(&app, &auth)
}

async fn open(auth: Authorized<()>, State(app): State<App>) -> String {
    ran(&app, &auth)
}

/// A running server, and what is around it.
///
/// Routes: `/mcp` demands `ToolsRead` (as `tools/list` in the requirements), `/delete` demands
/// `FilesRead` and `FilesWrite` (as the tool `delete_file`), `/one_of` demands `a` or `b`, `/open`
/// any valid token. All take any method.
pub struct Server {
    pub issuer: Issuer,
    pub clock: ManualClock,
    pub app: App,
    pub address: SocketAddr,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A clock at a fixed time.
pub fn clock() -> ManualClock {
    ManualClock::at_fixed_start()
}

/// An issuer with ES256 keys, by the clock.
pub async fn issuer(clock: &ManualClock) -> Issuer {
    Issuer::builder(resource())
        .clock(Arc::new(clock.clone()))
        .start()
        .await
        .expect("an issuer")
}

/// A runtime for tests that are not asynchronous themselves, and an issuer with `EdDSA` keys on it.
pub fn issuer_apart(clock: &ManualClock) -> (Runtime, Issuer) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let issuer = Issuer::builder(resource())
        .clock(Arc::new(clock.clone()))
        .algorithms([Algorithm::EdDSA])
        .start();
    let issuer = runtime.block_on(issuer).expect("an issuer");
    (runtime, issuer)
}

/// [`E`]
pub fn resource() -> Resource {
    E.parse().expect("a resource")
}

/// A strict guard's builder with baseline `mcp:tools.read`, before `build`.
pub fn strict(issuer: &Issuer, clock: &ManualClock) -> GuardBuilder<Fixture, Ready> {
    with_rules(TrustedIssuer::new(issuer.id().clone()), clock)
}

/// The same with other rules for the issuer.
///
/// Principals may be refused as often as tables of cases want it.
pub fn with_rules(issuer: TrustedIssuer, clock: &ManualClock) -> GuardBuilder<Fixture, Ready> {
    Guard::<Fixture>::builder(resource())
        .baseline::<ToolsRead>()
        .clock(Arc::new(clock.clone()))
        .refusal_budget(PATIENCE)
        .trusted_issuer(issuer)
}

/// The routes over one guard.
pub fn router(app: &App) -> Router {
    Router::new()
        .route("/mcp", any(list))
        .route("/delete", any(delete))
        .route("/one_of", any(one_of))
        .route("/open", any(open))
        .merge(metadata_routes([&app.guard]).expect("metadata routes"))
        .with_state(app.clone())
}

/// A server with a strict guard, ready.
pub async fn server() -> Server {
    server_with(|rules| rules, |builder| builder).await
}

/// A server whose issuer's rules and guard are changed first. Its keys are there unless the issuer
/// was told to fail.
pub async fn server_with(
    rules: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Server {
    let clock = clock();
    let issuer = issuer(&clock).await;
    let trusted = rules(TrustedIssuer::new(issuer.id().clone()));
    let guard = change(with_rules(trusted, &clock))
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    serve(issuer, clock, guard).await
}

/// Serves a guard that is given.
pub async fn serve(issuer: Issuer, clock: ManualClock, guard: Guard<Fixture>) -> Server {
    let app = App {
        guard,
        ran: Arc::default(),
    };
    let (address, task) = spawn(router(&app)).await;
    Server {
        issuer,
        clock,
        app,
        address,
        task,
    }
}

/// A task that ends with whoever holds this.
pub struct Held(tokio::task::JoinHandle<()>);

impl From<tokio::task::JoinHandle<()>> for Held {
    fn from(task: tokio::task::JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves any router on loopback, HTTP/1.1 and HTTP/2.
pub async fn spawn(router: Router) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        axum::serve(listener, router).await.expect("serving");
    });
    (address, task)
}

/// The same, where the router is told who connects.
pub async fn spawn_with_peers(router: Router) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    serve_with_peers(listener, router)
}

/// The same on a port that is known already.
pub fn serve_with_peers(
    listener: TcpListener,
    router: Router,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let address = listener.local_addr().expect("an address");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move {
        axum::serve(listener, service).await.expect("serving");
    });
    (address, task)
}

/// An issuer with `EdDSA` keys, and the builder of a guard that knows its peers and was given these keys.
pub async fn among_peers(
    clock: &ManualClock,
    peers: Peers,
) -> (Issuer, GuardBuilder<Fixture, Ready>) {
    let issuer = Issuer::builder(resource())
        .clock(Arc::new(clock.clone()))
        .algorithms([Algorithm::EdDSA])
        .start()
        .await
        .expect("an issuer");
    let keys = FixedKeys::from_json(issuer.jwks());
    let trusted = TrustedIssuer::with_keys(issuer.id().clone(), keys);
    let builder = Guard::<Fixture>::builder(resource())
        .clock(Arc::new(clock.clone()))
        .trusted_issuer(trusted)
        .peers(peers);
    (issuer, builder)
}

impl Server {
    /// How often a handler ran so far.
    pub fn ran(&self) -> u64 {
        self.app.ran.load(Ordering::SeqCst)
    }

    /// `GET path` with this token as the credential.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.with_authorization(path, format!("Bearer {token}").as_bytes())
            .await
    }

    /// `GET path` without a credential.
    pub async fn get_bare(&self, path: &str) -> Answer {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: t\r\n{TRACE_PARENT}\r\nconnection: close\r\n\r\n"
        );
        self.raw(request.as_bytes()).await
    }

    /// `GET path` with this value of `Authorization`, byte by byte.
    pub async fn with_authorization(&self, path: &str, value: &[u8]) -> Answer {
        let mut request =
            format!("GET {path} HTTP/1.1\r\nhost: t\r\n{TRACE_PARENT}\r\nauthorization: ")
                .into_bytes();
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
        self.raw(&request).await
    }

    /// Whatever is given, on a connection of its own; reads until the server closes it.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        raw(self.address, request).await
    }
}

/// Sends bytes on a new connection and reads the answer until the server closes it.
pub async fn raw(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // A server may answer and close before it has read everything.
    stream.write_all(request).await.ok();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok();
    Answer::parse(&bytes)
}

/// An HTTP/1.1 answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case. `date` is left out.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// Reads an answer whose body ends with the connection or has a length.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|s| s.parse().ok());
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .filter(|(name, _)| name != "date")
            .collect();
        Self {
            status: status.expect("a status"),
            headers,
            body: body.to_owned(),
        }
    }

    /// The only value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    /// The challenge as a list of parameters; it must be one Bearer challenge, written as RFC 9110
    /// section 11.6.1 wants it.
    pub fn challenge(&self) -> Vec<(String, String)> {
        let value = self.header("www-authenticate").expect("a challenge");
        parse_challenge(value)
    }

    /// `code` of the JSON-RPC error in the body.
    pub fn code(&self) -> i64 {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("a JSON body");
        assert_eq!(body["jsonrpc"], "2.0");
        assert!(body.get("id").is_none(), "no id was read");
        assert!(body["error"]["message"].is_string());
        body["error"]["code"].as_i64().expect("a code")
    }

    /// `OK`: a handler ran.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert_eq!(self.status, 200, "{self:?}");
    }

    /// `401-none`
    #[track_caller]
    pub fn assert_401_none(&self) {
        let expected = [("scope", "mcp:tools.read"), ("resource_metadata", M)];
        self.assert_refused(401, 40100, &expected);
    }

    /// `401-inv`
    #[track_caller]
    pub fn assert_401_inv(&self) {
        let expected = [
            ("error", "invalid_token"),
            ("scope", "mcp:tools.read"),
            ("resource_metadata", M),
        ];
        self.assert_refused(401, 40100, &expected);
    }

    /// `400-req`
    #[track_caller]
    pub fn assert_400_req(&self) {
        let expected = [
            ("error", "invalid_request"),
            ("scope", "mcp:tools.read"),
            ("resource_metadata", M),
        ];
        self.assert_refused(400, -32600, &expected);
    }

    /// `403(S)`, where `scope` is all that the challenge lists.
    #[track_caller]
    pub fn assert_403(&self, scope: &str) {
        let expected = [
            ("error", "insufficient_scope"),
            ("scope", scope),
            ("resource_metadata", M),
        ];
        self.assert_refused(403, 40300, &expected);
    }

    /// A refusal with exactly this challenge.
    #[track_caller]
    fn assert_refused(&self, status: u16, code: i64, challenge: &[(&str, &str)]) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.code(), code);
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        let expected: Vec<_> = challenge
            .iter()
            .map(|&(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        assert_eq!(self.challenge(), expected);
    }

    /// No part of the token (its segments, and the text itself) stands in the answer.
    #[track_caller]
    pub fn assert_silent_about(&self, token: &str) {
        let mut all = self.body.clone();
        for (name, value) in &self.headers {
            writeln!(all, "{name}: {value}").expect("text");
        }
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!all.contains(part), "the answer repeats the token: {all}");
        }
    }
}

/// A strict reader of one Bearer challenge: `Bearer`, one space, then `name="value"` joined by a
/// comma and a space, each name once, values without what needs an escape.
#[track_caller]
pub fn parse_challenge(value: &str) -> Vec<(String, String)> {
    let rest = value.strip_prefix("Bearer ").expect("scheme Bearer");
    let mut parameters: Vec<(String, String)> = Vec::new();
    for parameter in rest.split(", ") {
        let (name, value) = parameter.split_once('=').expect("name=value");
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
        let value = value
            .strip_prefix('"')
            .and_then(|v| v.strip_suffix('"'))
            .expect("a quoted-string");
        assert!(
            value
                .bytes()
                .all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)),
            "{value}"
        );
        assert!(
            parameters.iter().all(|(known, _)| known != name),
            "{name} stands twice"
        );
        parameters.push((name.to_owned(), value.to_owned()));
    }
    parameters
}

/// Collects everything that is logged on this thread, at every level, while the guard lives. Use a
/// current-thread runtime with it.
pub struct Logs {
    text: Text,
    _guard: tracing::subscriber::DefaultGuard,
}

/// What was written to it. Clones are the same one.
#[derive(Clone, Default)]
pub struct Text(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Text {
    /// The records since the last time, each from its level on.
    pub fn records(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.0.lock().expect("a lock"));
        let text = String::from_utf8(text).expect("text");
        let from_level = |line: &str| line.split_once(' ').expect("a level").1.trim().to_owned();
        text.lines().map(from_level).collect()
    }
}

impl Logs {
    pub fn capture() -> Self {
        // While a process has a single subscriber, `tracing` asks the thread that first comes to an
        // event whether anybody wants it, and remembers the answer for all threads. A second one,
        // which lives for ever and wants nothing, ends that.
        static DEAF: std::sync::OnceLock<tracing::Dispatch> = std::sync::OnceLock::new();
        DEAF.get_or_init(|| tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new()));
        let text = Text::default();
        let sink = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || sink.clone())
            .finish();
        Self {
            text,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.0.lock().expect("logs")).into_owned()
    }

    pub fn forget(&self) {
        self.text.0.lock().expect("logs").clear();
    }
}
