//! A client that sends a request to a layer and reads streams piece by piece.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::request::{Request, whole};
use super::{Answer, raw};

/// Sends a request on a connection of its own.
pub async fn send(address: SocketAddr, request: &Request) -> Answer {
    whole(soon(raw(address, &request.bytes())).await)
}

/// Waits for what happens at once or never.
#[track_caller]
pub fn soon<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let result = tokio::time::timeout(Duration::from_secs(20), work).await;
        result.unwrap_or_else(|_| panic!("it never happened: {caller}"))
    }
}

/// A client's connection. Whoever drops it vanishes.
pub struct Connection {
    sender: Sender,
    tasks: Tasks,
}

/// What a connection runs on; some of it is started by `hyper` itself.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, work: F) {
        let handle = tokio::spawn(work).abort_handle();
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(handle);
    }
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Drop for Connection {
    fn drop(&mut self) {
        let tasks = self.tasks.0.lock();
        let tasks = tasks.unwrap_or_else(PoisonError::into_inner);
        for task in tasks.iter() {
            task.abort();
        }
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    stream
}

impl Connection {
    pub async fn http1(address: SocketAddr) -> Self {
        let stream = TokioIo::new(connect(address).await);
        let (sender, connection) = http1::handshake(stream).await.expect("HTTP/1.1");
        let tasks = Tasks::default();
        tasks.execute(connection);
        Self {
            sender: Sender::Http1(sender),
            tasks,
        }
    }

    pub async fn http2(address: SocketAddr) -> Self {
        let stream = TokioIo::new(connect(address).await);
        let tasks = Tasks::default();
        let handshake = http2::handshake(tasks.clone(), stream);
        let (sender, connection) = handshake.await.expect("HTTP/2");
        tasks.execute(connection);
        Self {
            sender: Sender::Http2(sender),
            tasks,
        }
    }

    /// Sends a request, and comes back with the head of its answer.
    pub async fn open(&mut self, request: &Request) -> Stream {
        let mut fields = request.headers.clone();
        let named = fields.iter().position(|(name, _)| name == "host");
        let host = named.map_or_else(|| "t".to_owned(), |at| fields.remove(at).1);
        let origin = match self.sender {
            Sender::Http1(_) => String::new(),
            Sender::Http2(_) => format!("http://{host}"),
        };
        let mut built = http::Request::builder()
            .method(request.verb.as_str())
            .uri(format!("{origin}{}", request.target));
        if origin.is_empty() {
            built = built.header("host", host);
        }
        for (name, value) in fields {
            built = built.header(name, value);
        }
        let body = Full::new(Bytes::from(request.body.clone()));
        let request = built.body(body).expect("a request");
        let answer = match &mut self.sender {
            Sender::Http1(sender) => soon(sender.send_request(request)).await,
            Sender::Http2(sender) => soon(sender.send_request(request)).await,
        };
        let (head, body) = answer.expect("an answer").into_parts();
        Stream { head, body }
    }
}

/// An answer that is read as it comes.
pub struct Stream {
    pub head: http::response::Parts,
    pub body: Incoming,
}

impl Stream {
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// What comes next; nothing if the server ended it.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            let frame = soon(self.body.frame()).await?.expect("a whole frame");
            let data = frame.into_data().unwrap_or_default();
            // The last frame of HTTP/2 may have nothing in it.
            if !data.is_empty() {
                let text = String::from_utf8(data.to_vec());
                return Some(text.expect("text"));
            }
        }
    }

    /// All that comes until `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            text.push_str(&self.next().await.expect("more"));
        }
        text
    }

    /// All that comes until the server ends it.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(frame) = soon(self.body.frame()).await {
            let data = frame.expect("a whole frame").into_data();
            bytes.extend_from_slice(&data.unwrap_or_default());
        }
        bytes
    }
}

/// Opens a stream on an HTTP/1.1 connection of its own.
pub async fn open(address: SocketAddr, request: &Request) -> (Connection, Stream) {
    let mut connection = Connection::http1(address).await;
    let stream = connection.open(request).await;
    (connection, stream)
}
