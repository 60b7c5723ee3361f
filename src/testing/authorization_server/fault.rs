//! What goes wrong on purpose.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body::{Frame, SizeHint};
use tokio::time::{self, Sleep};

use super::super::fault::Fault;

/// A way in which an [`AuthorizationServer`](super::AuthorizationServer) breaks the rules of OAuth;
/// see [`misbehave`](super::AuthorizationServer::misbehave). For trouble with documents and
/// connections there is [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerFault {
    /// Redirects have no `iss`, though the metadata promises one (RFC 9207 section 2.4).
    NoIss,
    /// The metadata does not name S256, so that clients have to refuse (MCP, authorization code
    /// protection).
    NoPkce,
    /// The `iss` of redirects is this text (RFC 9207 section 2.4).
    OtherIss(String),
    /// The `state` of redirects is this text (RFC 6749 section 10.12).
    OtherState(String),
    /// `/register` refuses every client with `invalid_client_metadata` (RFC 7591 section 3.2.2).
    RefuseRegistration,
    /// `/token` refuses every refresh token with `invalid_grant` (RFC 6749 section 5.2).
    RefuseRefresh,
}

const WHITE_SPACE: [u8; 8192] = [b' '; 8192];

/// Sends `right`, or what `fault` makes of it.
pub(super) async fn apply(fault: &Fault, right: Response) -> Response {
    match fault {
        // What is wrong there was written into the document.
        Fault::None | Fault::JwksUri(_) | Fault::OtherIssuer(_) => right,
        Fault::Body(text) => with_body(right, StatusCode::OK, Body::from(text.clone())),
        Fault::Disconnect => with_body(right, StatusCode::OK, Body::new(Broken::at_once())),
        Fault::EndlessBody => with_body(right, StatusCode::OK, Body::new(Endless)),
        Fault::Garbage => {
            let bytes: &[u8] = &[0xff, 0xfe, b'{', 0x00, b'<', 0xc3, 0x28];
            with_body(right, StatusCode::OK, Body::from(bytes))
        }
        Fault::Hang => pending().await,
        Fault::RedirectTo(url) => {
            let mut response = with_body(right, StatusCode::FOUND, Body::from("{}"));
            if let Ok(location) = HeaderValue::from_str(url) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Fault::Slow(pause) => {
            let (head, body) = right.into_parts();
            let rest = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let slow = Slow {
                rest,
                pause: *pause,
                sleep: None,
            };
            Response::from_parts(head, Body::new(slow))
        }
        Fault::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            with_body(right, status, Body::from("{}"))
        }
        Fault::Truncated => {
            let (head, body) = right.into_parts();
            let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let half = whole.slice(..whole.len() / 2);
            Response::from_parts(head, Body::new(Broken::after(half, &whole)))
        }
    }
}

/// JSON with this status in place of the right answer, which was another one perhaps. Whether it may
/// be kept is said as before.
fn with_body(right: Response, status: StatusCode, body: Body) -> Response {
    let (mut head, _) = right.into_parts();
    head.status = status;
    let json = HeaderValue::from_static("application/json");
    head.headers.insert(header::CONTENT_TYPE, json);
    for of_the_right_one in [header::CONTENT_LENGTH, header::WWW_AUTHENTICATE] {
        head.headers.remove(of_the_right_one);
    }
    Response::from_parts(head, body)
}

/// White space for ever: as JSON the document stays whole, it only never ends.
struct Endless;

/// One byte, a pause, the next byte.
struct Slow {
    rest: Bytes,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Less than it promised, and then the connection is gone.
struct Broken {
    half: Option<Bytes>,
    promised: u64,
    has_rested: bool,
}

impl Broken {
    fn at_once() -> Self {
        Self {
            half: None,
            promised: 1,
            has_rested: true,
        }
    }

    fn after(half: Bytes, whole: &Bytes) -> Self {
        Self {
            half: Some(half),
            promised: whole.len().try_into().unwrap_or(u64::MAX),
            has_rested: false,
        }
    }
}

type Next<E> = Poll<Option<Result<Frame<Bytes>, E>>>;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Next<Infallible> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&WHITE_SPACE)))))
    }
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next<Infallible> {
        if let Some(sleep) = &mut self.sleep
            && sleep.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        self.sleep = Some(Box::pin(time::sleep(self.pause)));
        let byte = self.rest.split_to(1);
        Poll::Ready(Some(Ok(Frame::data(byte))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len().try_into().unwrap_or(u64::MAX))
    }
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next<io::Error> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.has_rested {
            // What was written so far goes out first.
            self.has_rested = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
