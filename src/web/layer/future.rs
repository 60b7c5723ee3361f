//! One request on its way through the layer, step by step.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::Service;

use super::Shared;
use super::body::{End, GuardedAnswer, GuardedBody};
use super::decide::{Own, Page, Pass, Visitor};
use crate::audit::RequestSpan;
use crate::guard::{Admitted, Begun};
use crate::id::CorrelationId;
#[cfg(feature = "rmcp-3")]
use crate::mcp::passed::Passed;
use crate::refusal::Refusal;
use crate::web::collect::{Collect, Unread};
use crate::web::response::{check_media_type, unread};

type Admission = Result<(Admitted, DateTime<Utc>), Refusal>;

pin_project! {
    /// The future of an [`AuthorizationService`](crate::AuthorizationService).
    pub struct ResponseFuture<T, B, R>
    where
        T: Service<Request<GuardedBody<B>>>,
    {
        visit: Visit<T>,
        #[pin]
        state: State<B, R, T::Future>,
    }
}

pin_project! {
    #[project = StateView]
    pub(super) enum State<B, R, F> {
        // It is answered already.
        Answered { answer: Option<Own> },
        // Nothing was looked at but the head; the body waits.
        Arrived { body: Option<B> },
        // Keys have to be waited for.
        Admitting { admission: Pin<Box<dyn Future<Output = Admission> + Send>>, body: Option<B> },
        Reading { #[pin] bytes: Collect<B> },
        Running { #[pin] future: F, end: Option<End> },
        // The beginning of a stream of the transport of 2024-11-05.
        Opening { head: Option<Response<()>>, body: Option<(Pin<Box<R>>, End)>, ahead: BytesMut },
        Over,
    }
}

/// What is known of the request.
pub(super) struct Visit<T> {
    pub(super) shared: Arc<Shared>,
    /// The service behind, which was asked whether it is ready.
    pub(super) inner: T,
    pub(super) span: RequestSpan,
    pub(super) correlation: CorrelationId,
    pub(super) page: Page,
    pub(super) parts: Option<Parts>,
    pub(super) admitted: Option<Admitted>,
    pub(super) pass: Option<Pass>,
    #[cfg(feature = "rmcp-3")]
    pub(super) passed: Option<Passed>,
}

/// What comes next.
pub(super) enum Step<B, R, F> {
    Goes(State<B, R, F>),
    Answer(Own),
    Theirs(Response<GuardedAnswer<R>>),
}

pub(super) type Next<T, B, R> = Step<B, R, <T as Service<Request<GuardedBody<B>>>>::Future>;

impl<T, B, R> ResponseFuture<T, B, R>
where
    T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
{
    pub(super) fn new(shared: Arc<Shared>, inner: T, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let correlation = CorrelationId::of(&parts.headers);
        let span = RequestSpan::of(correlation);
        let (page, state) = match span.in_scope(|| shared.receive(&parts, correlation)) {
            Ok(page) => (page, State::Arrived { body: Some(body) }),
            Err(early) => {
                let decision = early.reason.map_or("answered", |_| "refused");
                span.decided(decision, early.reason);
                let answer = Some(early.answer);
                (early.page, State::Answered { answer })
            }
        };
        let visit = Visit {
            shared,
            inner,
            span,
            correlation,
            page,
            parts: Some(parts),
            admitted: None,
            pass: None,
            #[cfg(feature = "rmcp-3")]
            passed: None,
        };
        Self { visit, state }
    }
}

impl<T, B, R> Future for ResponseFuture<T, B, R>
where
    T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    B: HttpBody<Data = Bytes>,
    R: HttpBody<Data = Bytes>,
{
    type Output = Result<Response<GuardedAnswer<R>>, T::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let span = self.visit.span.clone();
        span.in_scope(|| {
            loop {
                let mut this = self.as_mut().project();
                let next = ready!(this.visit.step(this.state.as_mut(), cx))?;
                let mut response = match next {
                    Step::Goes(next) => {
                        this.state.set(next);
                        continue;
                    }
                    Step::Answer(own) => own.map(GuardedAnswer::own),
                    Step::Theirs(response) => response,
                };
                this.state.set(State::Over);
                this.visit.mark(response.headers_mut());
                return Poll::Ready(Ok(response));
            }
        })
    }
}

impl<T> Visit<T> {
    fn step<B, R>(
        &mut self,
        state: Pin<&mut State<B, R, T::Future>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Next<T, B, R>, T::Error>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
        B: HttpBody<Data = Bytes>,
        R: HttpBody<Data = Bytes>,
    {
        let next = match state.project() {
            StateView::Answered { answer } => answer.take().map(Step::Answer),
            StateView::Arrived { body } => body.take().and_then(|body| self.admit(body)),
            StateView::Admitting { admission, body } => {
                let admission = ready!(admission.as_mut().poll(cx));
                body.take().and_then(|body| self.admitted(admission, body))
            }
            StateView::Reading { bytes } => {
                let read = ready!(bytes.poll(cx));
                self.decide(read)
            }
            StateView::Running { future, end } => {
                if let Poll::Ready(response) = future.poll(cx)? {
                    self.answer(response)
                } else {
                    // The head of a stream may come with its first event.
                    match end {
                        Some(end) => end.watch(cx).then(|| self.stream_failed(end)),
                        None => None,
                    }
                }
            }
            StateView::Opening { head, body, ahead } => loop {
                let Some((stream, end)) = body.as_mut() else {
                    break None;
                };
                match ready!(end.frame(stream.as_mut(), cx)) {
                    Some(Ok(frame)) => {
                        ahead.extend_from_slice(&frame.into_data().unwrap_or_default());
                    }
                    // It ended, or broke, before it said where messages go.
                    Some(Err(_)) | None => break Some(self.stream_failed(end)),
                }
                let next = self.begin_stream(head, body, ahead);
                if next.is_some() {
                    break next;
                }
            },
            StateView::Over => None,
        };
        match next {
            Some(next) => Poll::Ready(Ok(next)),
            // Whoever polls what has ended waits for ever.
            None => Poll::Pending,
        }
    }

    /// The token, as far as it goes without waiting.
    fn admit<B, R>(&mut self, body: B) -> Option<Next<T, B, R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
        B: HttpBody<Data = Bytes>,
    {
        let (guard, correlation) = (Arc::clone(&self.shared.guard), self.correlation);
        match guard.begin(self.parts.as_mut()?, correlation) {
            Begun::Done(admission) => self.admitted(admission, body),
            Begun::Waits(token) => {
                let admission = Box::pin(async move { guard.resume(token, correlation).await });
                let body = Some(body);
                Some(Step::Goes(State::Admitting { admission, body }))
            }
        }
    }

    /// After the token: the body is read, or not.
    fn admitted<B, R>(&mut self, admission: Admission, body: B) -> Option<Next<T, B, R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
        B: HttpBody<Data = Bytes>,
    {
        let (admitted, now) = match admission {
            Ok(admission) => admission,
            Err(refusal) => {
                let reason = refusal.reason().code();
                return Some(self.refused(reason, Box::new(refusal.into_answer(None))));
            }
        };
        let parts = self.parts.as_mut()?;
        if parts.method == Method::POST {
            if let Err(why) = check_media_type(&parts.headers) {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                let answer = unread(status, why, Some(self.correlation));
                return Some(self.refused("media_type", Box::new(answer)));
            }
            self.admitted = Some(admitted);
            let bytes = Collect::new(body, self.shared.limits);
            return Some(Step::Goes(State::Reading { bytes }));
        }
        if body.size_hint().lower() > 0 {
            // A service that takes it for a message would take one that nobody decided about.
            let why = "only POST has a body";
            let answer = unread(StatusCode::BAD_REQUEST, why, Some(self.correlation));
            return Some(self.refused("malformed_request", Box::new(answer)));
        }
        let by = Visitor {
            admitted: &admitted,
            now,
            span: &self.span,
        };
        match self.shared.decide_head(parts, by) {
            Ok(pass) => {
                self.span.decided("allowed", None);
                self.admitted = Some(admitted);
                let body = if body.is_end_stream() {
                    GuardedBody::untouched(body)
                } else {
                    // Whatever comes is for nobody.
                    parts.headers.remove(CONTENT_LENGTH);
                    parts.headers.remove(TRANSFER_ENCODING);
                    GuardedBody::read(Bytes::new())
                };
                self.run(pass, body)
            }
            Err(answer) => Some(Step::Answer(answer)),
        }
    }

    fn decide<B, R>(&mut self, read: Result<Bytes, Unread>) -> Option<Next<T, B, R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    {
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(unread) => {
                let answer = unread.into_answer(Some(self.correlation));
                return Some(self.refused("unread_body", Box::new(answer)));
            }
        };
        let by = Visitor {
            admitted: self.admitted.as_ref()?,
            // Only now: the body may have come slowly, and the token may have died meanwhile.
            now: self.shared.guard.acceptance().rules().clock.now(),
            span: &self.span,
        };
        match self.shared.decide(self.parts.as_mut()?, &bytes, by) {
            Ok(mut pass) => {
                let bytes = pass.trimmed.take().unwrap_or(bytes);
                self.run(pass, GuardedBody::read(bytes))
            }
            Err(answer) => Some(Step::Answer(answer)),
        }
    }

    fn run<B, R>(&mut self, pass: Pass, body: GuardedBody<B>) -> Option<Next<T, B, R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    {
        let admitted = self.admitted.clone()?.with_others(pass.others);
        let mut parts = self.parts.take()?;
        #[cfg(feature = "rmcp-3")]
        {
            let passed = Passed::new(&self.shared.rules);
            parts.extensions.insert(passed.clone());
            self.passed = Some(passed);
        }
        parts.extensions.insert(admitted.caller());
        parts.extensions.insert(admitted);
        let end = self
            .admitted
            .clone()
            .filter(|_| pass.is_stream)
            .map(End::of);
        self.pass = Some(pass);
        let future = self.inner.call(Request::from_parts(parts, body));
        Some(Step::Goes(State::Running { future, end }))
    }
}

impl<T, B, R> fmt::Debug for ResponseFuture<T, B, R>
where
    T: Service<Request<GuardedBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
