//! More of HTTP for the row tests: requests written by hand, connections that stay open, HTTP/2,
//! and a reader of challenges that is as strict as RFC 9110.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use clearance::scope::{KnownTo, Set};
use clearance::{Authorized, Guard, Refusal};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Answer, Fixture};

/// A request on a connection of its own: `lines` are header fields as they stand on the wire.
pub fn request<L: AsRef<[u8]>>(start: &str, lines: &[L]) -> Vec<u8> {
    with_lines(start, lines, "connection: close\r\n")
}

/// A request after which the connection stays open.
pub fn kept<L: AsRef<[u8]>>(start: &str, lines: &[L]) -> Vec<u8> {
    with_lines(start, lines, "")
}

fn with_lines<L: AsRef<[u8]>>(start: &str, lines: &[L], end: &str) -> Vec<u8> {
    let mut bytes = format!("{start} HTTP/1.1\r\nhost: t\r\n").into_bytes();
    for line in lines {
        bytes.extend_from_slice(line.as_ref());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(end.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// [`raw`](super::raw) for a task of its own.
pub async fn raw_owned(address: SocketAddr, request: Vec<u8>) -> Answer {
    super::raw(address, &request).await
}

/// The header line of a bearer token.
pub fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

/// The head of a `GET`, for a guard that is asked without a server.
pub fn parts(target: &str, authorization: Option<&[u8]>) -> Parts {
    let (mut parts, ()) = http::Request::get(target)
        .body(())
        .expect("a request")
        .into_parts();
    if let Some(value) = authorization {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        parts.headers.insert(AUTHORIZATION, value);
    }
    parts
}

/// The head of a `GET` with this token.
pub fn parts_with(token: &str) -> Parts {
    parts("/mcp", Some(format!("Bearer {token}").as_bytes()))
}

/// Asks a guard for a proof, without a server around it.
pub async fn ask<S: Set + KnownTo<Fixture>>(
    guard: &Guard<Fixture>,
    token: &str,
) -> Result<Authorized<S>, Refusal> {
    guard.authorize(&mut parts_with(token)).await
}

/// What becomes of a token, as a code: `ok`, or why it is refused.
pub async fn verdict(guard: &Guard<Fixture>, token: &str) -> &'static str {
    match ask::<()>(guard, token).await {
        Ok(_) => "ok",
        Err(refusal) => refusal.reason().code().as_str(),
    }
}

/// An HTTP/1.1 connection that is used for several requests.
pub struct KeptAlive(TcpStream);

impl KeptAlive {
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self(stream)
    }

    /// Sends a request and reads its answer, whose end its length says.
    pub async fn send(&mut self, request: &[u8]) -> Answer {
        self.0.write_all(request).await.expect("a request is sent");
        self.answer().await
    }

    /// Sends a request in these pieces, giving the server time to read each.
    pub async fn send_in_pieces(&mut self, pieces: &[&[u8]]) -> Answer {
        for piece in pieces {
            self.0.write_all(piece).await.expect("a piece is sent");
            self.0.flush().await.expect("a piece is sent");
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.0.read_u8().await.expect("an answer's head"));
        }
        let head = Answer::parse(&bytes);
        let length = head.header("content-length").expect("a length");
        let mut body = vec![0; length.parse().expect("a length")];
        self.0.read_exact(&mut body).await.expect("a body");
        bytes.extend_from_slice(&body);
        Answer::parse(&bytes)
    }
}

/// An HTTP/2 connection, opened with prior knowledge. Clones share it.
#[derive(Clone)]
pub struct Http2(SendRequest<Empty<Bytes>>);

impl Http2 {
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("HTTP/2");
        tokio::spawn(connection);
        Self(sender)
    }

    /// `GET path` with these header fields.
    pub async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::get(format!("http://t{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).expect("a request");
        let answer = self.0.send_request(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| {
                    let value = value.to_str().expect("a value in ASCII");
                    (name.as_str().to_owned(), value.to_owned())
                })
                .filter(|(name, _)| name != "date")
                .collect(),
            body: String::from_utf8(body.to_vec()).expect("a body in UTF-8"),
        }
    }
}

/// Waits, without sleeping, until something has happened that nothing tells of.
#[track_caller]
pub fn eventually(happened: impl Fn() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let wait = pin!(async {
            while !happened() {
                tokio::task::yield_now().await;
            }
        });
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap_or_else(|_| panic!("it never happened: {caller}"));
    }
}

/// One challenge of a `WWW-Authenticate` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub scheme: String,
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a field value as RFC 9110 section 11.6.1 writes it, with all parameters as
/// quoted-strings, and fails where anything is left over, stands twice or is not in the grammar.
#[track_caller]
pub fn challenges(value: &str) -> Vec<Challenge> {
    let mut reader = Reader(value);
    let mut found = Vec::new();
    let mut next = Some(reader.token().to_owned());
    while let Some(scheme) = next.take() {
        let mut parameters: Vec<(String, String)> = Vec::new();
        assert!(reader.blanks() > 0, "no space after the scheme: {value}");
        let mut name = reader.token().to_owned();
        loop {
            reader.expect('=');
            let text = reader.quoted_string();
            assert!(
                parameters.iter().all(|(known, _)| *known != name),
                "{name} stands twice: {value}"
            );
            parameters.push((name.clone(), text));
            if reader.0.is_empty() {
                break;
            }
            reader.blanks();
            reader.expect(',');
            reader.blanks();
            reader.token().clone_into(&mut name);
            if !reader.0.starts_with('=') {
                next = Some(name.clone());
                break;
            }
        }
        found.push(Challenge { scheme, parameters });
    }
    found
}

/// The one Bearer challenge of a field value.
#[track_caller]
pub fn bearer_challenge(value: &str) -> Challenge {
    let mut all = challenges(value);
    assert_eq!(all.len(), 1, "not one challenge: {value}");
    let challenge = all.remove(0);
    assert_eq!(challenge.scheme, "Bearer");
    challenge
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    #[track_caller]
    fn token(&mut self) -> &'a str {
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_tchar(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        assert!(!token.is_empty(), "no token at {:?}", self.0);
        self.0 = rest;
        token
    }

    fn blanks(&mut self) -> usize {
        let count = self.0.bytes().take_while(|&byte| byte == b' ').count();
        self.0 = self.0.trim_start_matches(' ');
        count
    }

    #[track_caller]
    fn expect(&mut self, c: char) {
        self.0 = self
            .0
            .strip_prefix(c)
            .unwrap_or_else(|| panic!("no {c:?} at {:?}", self.0));
    }

    #[track_caller]
    fn quoted_string(&mut self) -> String {
        self.expect('"');
        let mut text = String::new();
        let mut rest = self.0.chars();
        loop {
            match rest.next().expect("a quoted-string ends") {
                '"' => break,
                '\\' => text.push(rest.next().expect("something is quoted")),
                c @ ('\t' | ' '..='~') => text.push(c),
                c => panic!("{c:?} in a quoted-string"),
            }
        }
        self.0 = rest.as_str();
        text
    }
}
