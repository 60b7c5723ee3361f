//! Lines of the table, and how one is tried: over HTTP/1.1 and HTTP/2, with a token that may call
//! `get_weather` and not `delete_file`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tower::{Layer as _, service_fn};

use crate::support::mcp::McpServer;
use crate::support::request::MODERN;
use crate::support::spy::{READERS, Seen, Spy, calls, calls_of_value};
use crate::support::{Answer, plain, raw, spawn};

/// What the layer has to make of a request.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// It reaches the service, which reads these calls in it.
    Runs(&'static [&'static str]),
    /// It is refused with this status and this code; 0 where the answer has none.
    No(u16, i64),
}

pub use Verdict::{No, Runs};

/// What the token may call.
pub const WEATHER: Verdict = Runs(&["tools/call get_weather"]);

/// A call of the allowed tool, and of the forbidden one, in the revision that has no header.
pub const ALLOWED: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather"}}"#;
pub const FORBIDDEN: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_file"}}"#;

/// A request, and what has to come of it.
#[derive(Clone, Debug)]
pub struct Line {
    what: &'static str,
    verb: &'static str,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    verdict: Verdict,
}

/// A request with this body, in the revision that has no header.
pub fn says(what: &'static str, body: impl Into<Vec<u8>>, verdict: Verdict) -> Line {
    Line {
        what,
        verb: "POST",
        fields: Vec::new(),
        body: body.into(),
        verdict,
    }
    .with("content-type", "application/json")
}

/// A call of `name` in the newest revision, as it must be.
pub fn modern(what: &'static str, name: &str, verdict: Verdict) -> Line {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    says(what, body, verdict)
        .with("mcp-protocol-version", MODERN)
        .with("mcp-method", "tools/call")
        .with("mcp-name", name)
}

impl Line {
    pub fn verb(mut self, verb: &'static str) -> Self {
        self.verb = verb;
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A field in place of those of its name.
    pub fn with(self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).also(name, value)
    }

    pub fn also(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name, value.as_ref().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} /mcp HTTP/1.1\r\nhost: t\r\n", self.verb).into_bytes();
        for (name, value) in &self.fields {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        let length = format!("content-length: {}\r\n", self.body.len());
        bytes.extend_from_slice(length.as_bytes());
        bytes.extend_from_slice(b"connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    async fn over_http_2(&self, address: SocketAddr) -> Answer {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let handshake = hyper::client::conn::http2::handshake;
        let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
        let connection = tokio::spawn(connection);
        let mut request = http::Request::builder()
            .method(self.verb)
            .uri("http://t/mcp");
        for (name, value) in &self.fields {
            request = request.header(*name, value.as_slice());
        }
        let body = Full::new(Bytes::from(self.body.clone()));
        let request = request.body(body).expect("a request");
        let (head, body) = sender
            .send_request(request)
            .await
            .expect("an answer")
            .into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        connection.abort();
        Answer {
            status: head.status.as_u16(),
            headers: Vec::new(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

/// A spy behind a layer, on loopback.
pub struct Site {
    pub server: McpServer,
    pub spy: Spy,
    pub token: String,
}

impl Site {
    pub async fn new() -> Self {
        let mut server = plain::server_with(|layer| layer, |_| Router::new()).await;
        server.task.abort();
        let spy = Spy::default();
        let behind = spy.clone();
        let layer = plain::layer(&server.guard).build().expect("a layer");
        let service = layer.layer(service_fn(move |request| behind.clone().serve(request)));
        (server.address, server.task) = spawn(Router::new().fallback_service(service)).await;
        let token = server.token("mcp:tools.read");
        Self { server, spy, token }
    }

    /// Tries all lines.
    pub async fn tries(&self, lines: Vec<Line>) {
        for line in lines {
            let line = line.also("authorization", format!("Bearer {}", self.token));
            let answer = within(raw(self.server.address, &line.bytes())).await;
            self.judges(&line, &answer, "HTTP/1.1");
            let answer = within(line.over_http_2(self.server.address)).await;
            self.judges(&line, &answer, "HTTP/2");
        }
    }

    fn judges(&self, line: &Line, answer: &Answer, version: &str) {
        let what = format!("{} over {version}: {answer:?}", line.what);
        let seen = self.spy.take();
        match line.verdict {
            No(status, code) => {
                assert!(seen.is_empty(), "it ran: {what}");
                assert_eq!(answer.status, status, "{what}");
                let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                let found = body["error"]["code"].as_i64().unwrap_or_default();
                assert_eq!(found, code, "{what}");
            }
            Runs(expected) => {
                assert_eq!(seen.len(), 1, "{what}");
                assert_eq!(answer.body, Spy::ANSWER, "{what}");
                assert_eq!(seen[0].body, line.body, "{what}");
                reads(&seen[0], expected, &what);
            }
        }
    }
}

/// Whoever reads what reached the service reads these calls, and finds no credential.
#[track_caller]
pub fn reads(seen: &Seen, expected: &[&str], what: &str) {
    assert_eq!(calls_of_value(&seen.body), expected, "{what}");
    for reader in READERS {
        assert_eq!(calls(&seen.body, reader), expected, "{reader:?}: {what}");
    }
    assert!(seen.fields("authorization").is_empty(), "{what}");
    let lengths = seen.fields("content-length");
    let length = seen.body.len().to_string();
    let is_true = lengths.iter().all(|known| *known == length.as_bytes());
    assert!(is_true, "{lengths:?} for {length}: {what}");
    assert!(lengths.len() <= 1, "{what}");
}

/// Waits for what does not hang.
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), work).await;
    done.expect("an answer in time")
}
