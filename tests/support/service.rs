//! A service that keeps sessions and open streams, to stand behind a layer, and what it saw of its
//! requests.
//!
//! | request | answer |
//! | --- | --- |
//! | POST of `initialize` | a new session, `inner-1` and so on |
//! | POST to a live session | a result, 202, or a stream for what streams |
//! | GET of a live session | a stream |
//! | GET of `/sse` | a stream that names `/messages?session=old-1` and so on |
//! | POST to `/messages?session=..` of a live session | 202 |
//! | DELETE of a live session | 204, and the session is over |
//! | another session | 404, with a body of its own |
//! | no session where one is needed | 400 |

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse as _, Response};
use clearance::{AuthorizationLayer, Guard};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::client::soon;
use super::mcp::McpServer;
use super::request::MODERN;
use super::{Fixture, plain, spawn};

/// A revision that has sessions.
pub const LEGACY: &str = "2025-11-25";

/// The revisions that have sessions.
pub const WITH_SESSIONS: [&str; 3] = ["2025-03-26", "2025-06-18", LEGACY];

/// What every request of these tests says, so that answers to it are the same bytes.
pub const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A request as the service saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub verb: String,
    pub target: String,
    pub sessions: Vec<String>,
    pub last_events: Vec<String>,
    /// The names of all fields.
    pub names: Vec<String>,
    pub length: Option<String>,
    pub body: String,
}

impl Asked {
    fn new(head: &http::request::Parts, body: &[u8]) -> Self {
        Self {
            verb: head.method.to_string(),
            target: head.uri.to_string(),
            sessions: all(head, "mcp-session-id"),
            last_events: all(head, "last-event-id"),
            names: head.headers.keys().map(ToString::to_string).collect(),
            length: all(head, "content-length").pop(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

#[derive(Default)]
struct State {
    begun: usize,
    alive: BTreeSet<String>,
    asked: Vec<Asked>,
    feeds: Vec<Feed>,
    greeting: Option<Vec<Bytes>>,
    /// What answers say of a session although nobody asked.
    says: Option<&'static str>,
    switches: bool,
}

impl State {
    fn new_session(&mut self, kind: &str) -> String {
        self.begun = self.begun.saturating_add(1);
        let session = format!("{kind}-{}", self.begun);
        self.alive.insert(session.clone());
        session
    }
}

/// The service. Clones are the same one.
#[derive(Clone, Default)]
pub struct Service {
    state: Arc<Mutex<State>>,
    live: Arc<AtomicUsize>,
}

/// The service's end of a stream.
#[derive(Clone)]
pub struct Feed {
    sender: mpsc::UnboundedSender<Bytes>,
    polls: Arc<AtomicUsize>,
}

impl Feed {
    /// Whether somebody is there to take it.
    pub fn send(&self, text: impl Into<Bytes>) -> bool {
        self.sender.send(text.into()).is_ok()
    }

    /// How often anybody asked for more.
    pub fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    pub fn is_dropped(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the body is dropped.
    pub async fn dropped(&self) {
        soon(self.sender.closed()).await;
    }
}

/// The body of a stream; it counts how often it is polled, and how many like it live.
pub struct FeedBody {
    receiver: mpsc::UnboundedReceiver<Bytes>,
    polls: Arc<AtomicUsize>,
    live: Arc<AtomicUsize>,
}

impl Drop for FeedBody {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HttpBody for FeedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        let data = self.receiver.poll_recv(cx);
        data.map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

impl Service {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.lock().asked)
    }

    /// How many bodies of streams there are.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// How many streams were opened since the last time.
    pub fn opened(&self) -> usize {
        self.lock().feeds.len()
    }

    /// The streams that were opened since the last time, the oldest first.
    pub fn feeds(&self) -> Vec<Feed> {
        std::mem::take(&mut self.lock().feeds)
    }

    /// The one stream that was opened since the last time.
    #[track_caller]
    pub fn feed(&self) -> Feed {
        let mut feeds = self.feeds();
        assert_eq!(feeds.len(), 1, "streams");
        feeds.remove(0)
    }

    /// What streams begin with from now on, piece by piece.
    pub fn greet<B: Into<Bytes>>(&self, pieces: impl IntoIterator<Item = B>) {
        let pieces = pieces.into_iter().map(Into::into).collect();
        self.lock().greeting = Some(pieces);
    }

    /// What answers say of a session from now on.
    pub fn say_session(&self, session: Option<&'static str>) {
        self.lock().says = session;
    }

    /// From now on, every answer wants to go on in another protocol.
    pub fn switch_protocols(&self) {
        self.lock().switches = true;
    }

    /// A stream that the service keeps open.
    pub fn stream(&self) -> FeedBody {
        let (sender, receiver) = mpsc::unbounded_channel();
        let polls = Arc::new(AtomicUsize::new(0));
        self.live.fetch_add(1, Ordering::SeqCst);
        let mut state = self.lock();
        for piece in state.greeting.iter().flatten() {
            sender.send(piece.clone()).expect("the receiver is here");
        }
        state.feeds.push(Feed {
            sender,
            polls: Arc::clone(&polls),
        });
        FeedBody {
            receiver,
            polls,
            live: Arc::clone(&self.live),
        }
    }

    /// The service without a layer.
    pub fn router(&self) -> Router {
        let service = self.clone();
        Router::new().fallback(move |request: http::Request<Body>| {
            let service = service.clone();
            async move {
                let mut answer = service.answer(request).await;
                let state = service.lock();
                if let Some(session) = state.says {
                    let session = http::HeaderValue::from_static(session);
                    answer.headers_mut().insert("mcp-session-id", session);
                }
                if state.switches {
                    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                }
                answer
            }
        })
    }

    async fn answer(&self, request: http::Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let asked = Asked::new(&parts, &body);
        self.lock().asked.push(asked.clone());
        // Many frameworks undo percent-encoding before they look for a route.
        let path = unescaped(parts.uri.path());
        if path == "/sse" {
            return self.old_stream();
        }
        if path == "/messages" || path.starts_with("/messages/") {
            return self.message(parts.uri.query().unwrap_or_default());
        }
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let is_modern = all(&parts, "mcp-protocol-version") == [MODERN];
        if message["method"] == "initialize" {
            return self.begin(&message);
        }
        if !is_modern {
            let [session] = &*asked.sessions else {
                return (StatusCode::BAD_REQUEST, "which session?").into_response();
            };
            if !self.lock().alive.contains(session) {
                let head = [("x-secret", "inner"), ("content-type", "text/plain")];
                return (StatusCode::NOT_FOUND, head, "it is over").into_response();
            }
            if parts.method == Method::DELETE {
                self.lock().alive.remove(session);
                return StatusCode::NO_CONTENT.into_response();
            }
            if parts.method == Method::GET {
                return self.streamed();
            }
        }
        let streams = ["export", "subscriptions/listen"];
        let is_streamed = [&message["method"], &message["params"]["name"]]
            .into_iter()
            .any(|name| name.as_str().is_some_and(|name| streams.contains(&name)));
        if is_streamed {
            return self.streamed();
        }
        result(&message, &asked)
    }

    fn begin(&self, message: &Value) -> Response {
        let session = self.lock().new_session("inner");
        let result = json!({
            "protocolVersion": LEGACY,
            "capabilities": {},
            "serverInfo": { "name": "service", "version": "1" },
        });
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        ([("mcp-session-id", session)], axum::Json(answer)).into_response()
    }

    /// A stream of the old transport. Unless something else was said, it begins with the address of a
    /// new session, `old-1` and so on.
    fn old_stream(&self) -> Response {
        let mut state = self.lock();
        let is_usual = state.greeting.is_none();
        if is_usual {
            let session = state.new_session("old");
            let event = format!("event: endpoint\ndata: /messages?session={session}\n\n");
            state.greeting = Some(vec![event.into()]);
        }
        drop(state);
        let answer = self.streamed();
        if is_usual {
            self.lock().greeting = None;
        }
        answer
    }

    fn streamed(&self) -> Response {
        let head = [("content-type", "text/event-stream")];
        (head, Body::new(self.stream())).into_response()
    }

    /// A message of the old transport.
    fn message(&self, query: &str) -> Response {
        let session = query.strip_prefix("session=").unwrap_or_default();
        if self.lock().alive.contains(session) {
            StatusCode::ACCEPTED.into_response()
        } else {
            (StatusCode::NOT_FOUND, "no such stream").into_response()
        }
    }

    /// Ends a session.
    pub fn end(&self, session: &str) {
        assert!(self.lock().alive.remove(session), "{session} was alive");
    }
}

/// What a message is answered with in a session.
fn result(message: &Value, asked: &Asked) -> Response {
    if message.is_array() {
        return axum::Json(json!([])).into_response();
    }
    if !message["method"].is_string() || message["id"].is_null() {
        return StatusCode::ACCEPTED.into_response();
    }
    let result = json!({ "seen": asked.sessions });
    axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

/// All values of a field.
fn all(head: &http::request::Parts, name: &str) -> Vec<String> {
    let values = head.headers.get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// A path without percent-encoding.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The service behind a layer, under the guard of `support/plain.rs`.
pub async fn behind(
    service: &Service,
    layer: impl FnOnce(&Guard<Fixture>) -> AuthorizationLayer,
) -> McpServer {
    let mut server = plain::server_with(|layer| layer, |_| Router::new()).await;
    server.task.abort();
    let router = service.router().layer(layer(&server.guard));
    (server.address, server.task) = spawn(router).await;
    server
}

/// The layer of `support/plain.rs`.
pub fn usual(guard: &Guard<Fixture>) -> AuthorizationLayer {
    plain::layer(guard).build().expect("a layer")
}

/// How many places a guard keeps for streams that wait for the end of their token: two for each, one
/// by its subject and one by its own name.
pub fn watchers(guard: &Guard<Fixture>) -> usize {
    let lists = format!("{:?}", guard.revocations());
    lists.matches("Watcher(..)").count()
}
