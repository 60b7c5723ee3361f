//! The place on this machine to which the browser is sent.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer;
use crate::client::Redirect;
use crate::clock::{Clock, SystemClock};

/// The most connections at one time. A browser opens a few.
const MOST_CONNECTIONS: usize = 16;
/// The largest head of a request. A code and a state are a few hundred bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// How long one connection may last.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// Waits on this machine for one redirect, and for nothing else.
///
/// It listens on a loopback address alone. Other paths, other methods, names of other hosts, and what a page
/// fetches rather than the person's browser goes to, are refused and end nothing; so are requests that are
/// large or slow. The page that is shown is constant. When the redirect has come, when the time is up, and
/// when the future is dropped, the socket is closed and no task is left.
///
/// # Does not prove
/// That the redirect is the one that was waited for: the flow compares `state` and `iss`, as the query is
/// handed over unread.
///
/// # Examples
/// ```no_run
/// use clearance::client::redirect::{Browser, LoopbackReceiver, UrlOpener};
///
/// # async fn run(authorization_url: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = LoopbackReceiver::bind().await?;
/// // The authorization request is made for this redirect URI.
/// let redirect_uri = receiver.redirect_uri().to_owned();
/// Browser.open(authorization_url)?;
/// let redirect = receiver.receive().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it is waited with `receive`"]
pub struct LoopbackReceiver {
    listener: TcpListener,
    place: Arc<Place>,
    redirect_uri: String,
    time_limit: TimeDelta,
    clock: Arc<dyn Clock>,
}

/// How to wait.
#[derive(Clone, Debug)]
#[must_use = "it is bound with `bind`"]
pub struct ReceiverOptions {
    loopback: Loopback,
    port: u16,
    path: String,
    time_limit: TimeDelta,
    clock: Arc<dyn Clock>,
}

/// An address of this machine that no other machine can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loopback {
    /// `127.0.0.1`
    #[default]
    V4,
    /// `[::1]`
    V6,
}

/// Why no redirect was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The system gives no place to listen.
    #[error("cannot listen for the redirect: {0}")]
    Listen(io::ErrorKind),
    /// The path is none: it begins with `/` and has the characters of a path.
    #[error("the path of the redirect URI is none")]
    Path,
    /// Nobody came in time.
    #[error("no redirect came in time")]
    Time,
}

/// What a request must name.
#[derive(Debug)]
struct Place {
    /// As browsers write it into `Host`.
    authority: String,
    path: String,
    /// The first redirect.
    received: Mutex<Option<Redirect>>,
}

impl LoopbackReceiver {
    /// Listens on `127.0.0.1`, on a free port, for `/callback`, for five minutes.
    ///
    /// # Errors
    /// [`ReceiveError::Listen`] if the system refuses.
    pub async fn bind() -> Result<Self, ReceiveError> {
        ReceiverOptions::default().bind().await
    }

    /// Where to wait, and how long.
    pub fn options() -> ReceiverOptions {
        ReceiverOptions::default()
    }

    /// Where the browser is to be sent.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the redirect. Whoever sent it has the whole answer then.
    ///
    /// # Errors
    /// [`ReceiveError::Time`] if nobody came in time, and [`ReceiveError::Listen`] if the system ends the
    /// waiting.
    pub async fn receive(self) -> Result<Redirect, ReceiveError> {
        let now = self.clock.now();
        let until = now.checked_add_signed(self.time_limit);
        let mut too_late = self.clock.wake_at(until.unwrap_or(now));
        let place = Arc::clone(&self.place);
        {
            let mut serving = pin!(self.serve());
            poll_fn(|context| match serving.as_mut().poll(context) {
                Poll::Pending => too_late.as_mut().poll(context).map(Ok),
                ended @ Poll::Ready(_) => ended,
            })
            .await?;
        }
        let received = place.received().take();
        received.ok_or(ReceiveError::Time)
    }

    /// Answers until the redirect has come and is answered. What it started ends with it.
    async fn serve(self) -> Result<(), ReceiveError> {
        let mut connections = JoinSet::new();
        poll_fn(|context| self.poll_serve(&mut connections, context)).await?;
        connections.shutdown().await;
        Ok(())
    }

    fn poll_serve(
        &self,
        connections: &mut JoinSet<bool>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ReceiveError>> {
        loop {
            while let Poll::Ready(Some(ended)) = connections.poll_join_next(context) {
                if ended.unwrap_or_default() {
                    return Poll::Ready(Ok(()));
                }
            }
            if connections.len() >= MOST_CONNECTIONS {
                return Poll::Pending;
            }
            match ready!(self.listener.poll_accept(context)) {
                Ok((stream, _)) => {
                    connections.spawn(answer_one(stream, Arc::clone(&self.place)));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Poll::Ready(Err(ReceiveError::Listen(error.kind()))),
            }
        }
    }
}

impl ReceiverOptions {
    /// Listens on this address.
    pub const fn loopback(mut self, loopback: Loopback) -> Self {
        self.loopback = loopback;
        self
    }

    /// Listens on this port, for authorization servers that do not let it vary (RFC 8252 section 7.3 says that
    /// they should). With 0, which is the default, the system chooses one.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Waits for this path.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Waits as long as this, and not longer.
    pub const fn time_limit(mut self, time_limit: TimeDelta) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Time comes from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Listens from now on.
    ///
    /// # Errors
    /// [`ReceiveError::Path`] if the path is none, and [`ReceiveError::Listen`] if the system refuses.
    pub async fn bind(self) -> Result<LoopbackReceiver, ReceiveError> {
        if !is_path(&self.path) {
            return Err(ReceiveError::Path);
        }
        let ip: IpAddr = match self.loopback {
            Loopback::V4 => Ipv4Addr::LOCALHOST.into(),
            Loopback::V6 => Ipv6Addr::LOCALHOST.into(),
        };
        let refused = |error: io::Error| ReceiveError::Listen(error.kind());
        let listener = TcpListener::bind((ip, self.port)).await.map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let authority = authority(bound);
        Ok(LoopbackReceiver {
            listener,
            redirect_uri: format!("http://{authority}{}", self.path),
            place: Arc::new(Place {
                authority,
                path: self.path,
                received: Mutex::default(),
            }),
            time_limit: self.time_limit,
            clock: self.clock,
        })
    }
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        Self {
            loopback: Loopback::V4,
            port: 0,
            path: "/callback".to_owned(),
            time_limit: TimeDelta::minutes(5),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Place {
    /// The answer; `is_redirect` is set if it is that to the redirect.
    fn answer<B>(&self, request: &Request<B>, is_redirect: &AtomicBool) -> Response<Full<Bytes>> {
        match self.redirect(request) {
            Ok(query) => {
                // A second one changes nothing.
                let mut received = self.received();
                if received.is_none() {
                    *received = Some(Redirect::from_query(query));
                    is_redirect.store(true, Ordering::Relaxed);
                }
                answer::page()
            }
            Err(status) => answer::refusal(status),
        }
    }

    fn received(&self) -> MutexGuard<'_, Option<Redirect>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The query, if this request is a redirect.
    fn redirect<'r, B>(&self, request: &'r Request<B>) -> Result<&'r str, StatusCode> {
        // A name of a stranger that leads here (DNS rebinding) is not ours.
        if !self.is_named(request) {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        if request.uri().path() != self.path {
            return Err(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::GET {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        if !is_navigation(request.headers()) {
            return Err(StatusCode::FORBIDDEN);
        }
        match request.uri().query() {
            Some(query) if !query.is_empty() => Ok(query),
            _ => Err(StatusCode::BAD_REQUEST),
        }
    }

    fn is_named<B>(&self, request: &Request<B>) -> bool {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let is_ours = |name: &[u8]| name.eq_ignore_ascii_case(self.authority.as_bytes());
        let host = hosts.next().is_some_and(|host| is_ours(host.as_bytes()));
        let target = request.uri().authority();
        host && hosts.next().is_none()
            && target.is_none_or(|name| is_ours(name.as_str().as_bytes()))
    }
}

/// Whether the browser goes here, and no page only fetches this. Browsers say so in fields that pages cannot
/// set; what does not say it may be a browser, too.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| headers.get(name).is_none_or(|value| value == wanted);
    // A frame in a page navigates, too.
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// Answers one request, and tells whether it was the redirect.
async fn answer_one(stream: TcpStream, place: Arc<Place>) -> bool {
    let is_redirect = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        let answer = place.answer(&request, &is_redirect);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_LIMIT)
        .max_buf_size(LARGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // How it ends is the browser's affair.
    tokio::time::timeout(CONNECTION_LIMIT, connection)
        .await
        .ok();
    is_redirect.into_inner()
}

/// Whether only a connection failed that was about to be made.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Port 80 is not written.
fn authority(bound: SocketAddr) -> String {
    if bound.port() == 80 {
        let text = bound.to_string();
        return text.strip_suffix(":80").unwrap_or(&text).to_owned();
    }
    bound.to_string()
}

/// RFC 3986 section 3.3, without what a browser would write in another way.
fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte);
    let has_dots = path.split('/').any(|part| matches!(part, "." | ".."));
    path.starts_with('/') && path.bytes().all(is_plain) && !has_dots
}
