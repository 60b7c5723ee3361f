//! Requests and answers with bodies of somebody's own.

use std::fmt;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use clearance::GuardedBody;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame};
use pin_project_lite::pin_project;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::around::{DELETE, WEATHER, World, with_body};

/// An error that is neither `Send` nor an `Error`.
#[derive(Debug, PartialEq, Eq)]
struct Failure(Rc<str>);

pin_project! {
    /// A body that nobody else has: it comes piece by piece, and is waited for each time; it does not
    /// say how long it is, has fields at its end, and must not be moved.
    struct Own {
        // The next one last.
        pieces: Vec<Result<Frame<Bytes>, Failure>>,
        was_waited_for: bool,
        #[pin]
        pinned: PhantomPinned,
    }
}

impl Own {
    /// This text in pieces of so many bytes, some of them empty.
    fn of(text: &str, size: usize) -> Self {
        let mut pieces = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            pieces.push(Ok(Frame::data(Bytes::new())));
            pieces.push(Ok(Frame::data(Bytes::copy_from_slice(piece))));
        }
        let mut fields = HeaderMap::new();
        fields.insert("mcp-name", HeaderValue::from_static("delete_file"));
        pieces.push(Ok(Frame::trailers(fields)));
        pieces.reverse();
        Self {
            pieces,
            was_waited_for: false,
            pinned: PhantomPinned,
        }
    }

    /// All of this text, and then an error.
    fn broken_after(text: &str) -> Self {
        let mut own = Self::of(text, 1_000);
        own.pieces[0] = Err(Failure("it broke".into()));
        own
    }
}

impl Body for Own {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.project();
        *this.was_waited_for = !*this.was_waited_for;
        if *this.was_waited_for {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(this.pieces.pop())
    }
}

/// A request's body need not be anybody's in particular.
#[tokio::test]
async fn a_request_may_have_any_body() {
    let world = World::new().await;
    let spy = world.spy.clone();
    let service = service_fn(move |request: Request<GuardedBody<Own>>| spy.clone().serve(request));
    let service = world.layer().layer(service);
    for size in [1, 10, 1_000] {
        for (call, status) in [(WEATHER, 200), (DELETE, 403)] {
            let call = world.call(call);
            let request = with_body(&call, Own::of(&call.body, size));
            let answer = service.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status);
            let seen = world.spy.take();
            assert_eq!(seen.len(), usize::from(status == 200));
            assert!(seen.iter().all(|seen| seen.body == call.body));
        }
    }
    // What breaks off was not said, however much of it came.
    let call = world.call(WEATHER);
    let request = with_body(&call, Own::broken_after(&call.body));
    let answer = service.oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert!(world.spy.take().is_empty());
}

/// An answer's body passes as it comes: all its pieces, the fields at its end, its error.
#[tokio::test]
async fn an_answer_may_have_any_body() {
    let world = World::new().await;
    let text = "an answer of some length";
    for (is_broken, end) in [(false, Ok(true)), (true, Err(Failure("it broke".into())))] {
        let service = service_fn(move |_: Request<GuardedBody<Own>>| async move {
            let body = if is_broken {
                Own::broken_after(text)
            } else {
                Own::of(text, 1_000)
            };
            Ok::<_, std::convert::Infallible>(Response::new(body))
        });
        let call = world.call(WEATHER);
        let request = with_body(&call, Own::of(&call.body, 10));
        let answer = world.layer().layer(service).oneshot(request).await;
        let mut body = Box::pin(answer.expect("an answer").into_body());
        let mut data = Vec::new();
        let ended = loop {
            match body.frame().await.expect("an end of its own") {
                Ok(frame) if frame.is_trailers() => {
                    let fields = frame.into_trailers().expect("fields");
                    break Ok(fields.contains_key("mcp-name"));
                }
                Ok(frame) => data.extend_from_slice(&frame.into_data().expect("data")),
                Err(error) => break Err(error),
            }
        };
        assert_eq!((data.as_slice(), &ended), (text.as_bytes(), &end));
        if ended.is_ok() {
            assert!(body.frame().await.is_none());
        }
    }
}

/// What the layer reads it hands over with its length, which the body itself did not tell.
#[tokio::test]
async fn the_length_of_what_was_read_is_known() {
    let world = World::new().await;
    let call = world.call(WEATHER);
    let length = u64::try_from(call.body.len()).expect("a length");
    let service = service_fn(move |request: Request<GuardedBody<Own>>| async move {
        assert_eq!(request.body().size_hint().exact(), Some(length));
        assert!(!request.body().is_end_stream());
        assert_eq!(format!("{:?}", request.body()), "GuardedBody(..)");
        Ok::<_, fmt::Error>(Response::new(Own::of("", 1)))
    });
    let request = with_body(&call, Own::of(&call.body, 10));
    assert_eq!(request.body().size_hint().exact(), None);
    let answer = world.layer().layer(service).oneshot(request).await;
    assert_eq!(answer.expect("an answer").status(), 200);
}
