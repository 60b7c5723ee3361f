//! One request on its way through the layer, step by step.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::Service;

use super::Shared;
use super::ahead::Payment;
use super::body::{End, GuardedAnswer, GuardedBody};
use super::decide::{Own, Page, Pass, Visitor};
use super::fields::{Field, Fields};
use crate::audit::{ReasonCode, RequestSpan};
use crate::guard::{Admission, Admitted, Begun, Wants};
use crate::id::CorrelationId;
#[cfg(feature = "rmcp-3")]
use crate::mcp::passed::Passed;
use crate::web::collect::Collect;
use crate::web::response::{check_media_type, unread};

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
        // A message, which is read where it is once it is known who asks.
        Message { #[pin] bytes: Collect<B> },
        // A message that was read, while other machines are asked whether it can be paid.
        Paying { payment: Payment, bytes: Option<Bytes> },
        // A request without a body, if it is one.
        Bodiless { body: Option<B> },
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
    pub(super) fields: Fields,
    pub(super) correlation: CorrelationId,
    pub(super) page: Page,
    pub(super) parts: Option<Parts>,
    /// The id of its message, as far as it was looked for ahead of the decision.
    pub(super) id: Option<Bytes>,
    /// Keys have to be waited for.
    admission: Option<Pin<Box<dyn Future<Output = Admission> + Send>>>,
    pub(super) admitted: Option<Admitted>,
    /// Whether the caller was let in, and nothing was written down about the request yet.
    is_undecided: bool,
    /// When it was looked at who asks; nothing if there was a wait since then.
    pub(super) now: Option<DateTime<Utc>>,
    pub(super) pass: Option<Pass>,
    #[cfg(feature = "rmcp-3")]
    pub(super) passed: Option<Arc<Passed>>,
}

/// What comes next.
#[expect(
    clippy::large_enum_variant,
    reason = "it is on the stack, once a request"
)]
pub(super) enum Step<R> {
    Goes,
    Answer(Own),
    Theirs(Response<GuardedAnswer<R>>),
}

pub(super) type StateOf<T, B, R> = State<B, R, <T as Service<Request<GuardedBody<B>>>>::Future>;

impl<T, B, R> ResponseFuture<T, B, R>
where
    T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
{
    pub(super) fn new(shared: Arc<Shared>, inner: T, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let fields = Fields::of(&parts.headers);
        let correlation = if fields.have(Field::TRACE_PARENT) {
            CorrelationId::of(&parts.headers)
        } else {
            CorrelationId::made()
        };
        let span = RequestSpan::of(correlation);
        let (page, state) = match span.in_scope(|| shared.receive(&parts, fields, correlation)) {
            Ok(page) if parts.method == Method::POST => {
                let bytes = Collect::new(body, shared.limits);
                (page, State::Message { bytes })
            }
            Ok(page) => (page, State::Bodiless { body: Some(body) }),
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
            fields,
            correlation,
            page,
            parts: Some(parts),
            id: None,
            admission: None,
            admitted: None,
            is_undecided: false,
            now: None,
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let span = this.visit.span.clone();
        span.in_scope(|| {
            let mut response = loop {
                match ready!(this.visit.step(this.state.as_mut(), cx))? {
                    Step::Goes => {}
                    Step::Answer(own) => break own.map(GuardedAnswer::own),
                    Step::Theirs(response) => break response,
                }
            };
            this.state.set(State::Over);
            this.visit.mark(response.headers_mut());
            Poll::Ready(Ok(response))
        })
    }
}

impl<T> Visit<T> {
    fn step<B, R>(
        &mut self,
        mut state: Pin<&mut StateOf<T, B, R>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Step<R>, T::Error>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
        B: HttpBody<Data = Bytes>,
        R: HttpBody<Data = Bytes>,
    {
        let next = match state.as_mut().project() {
            StateView::Answered { answer } => answer.take().map(Step::Answer),
            StateView::Message { bytes } => match ready!(self.admit(cx)) {
                Ok(()) => {
                    let read = bytes.poll(cx);
                    if read.is_pending() {
                        self.now = None;
                    }
                    match self.unread(ready!(read)) {
                        Ok(bytes) => self.pay(bytes, state),
                        Err(unread) => Some(Step::Answer(unread)),
                    }
                }
                Err(refused) => Some(Step::Answer(refused)),
            },
            StateView::Paying { payment, bytes } => match ready!(self.paid(payment, cx)) {
                Ok(()) => bytes.take().and_then(|bytes| self.decide(bytes, state)),
                Err(refused) => Some(Step::Answer(refused)),
            },
            StateView::Bodiless { body } => match ready!(self.admit(cx)) {
                Ok(()) => body.take().and_then(|body| self.decide_head(body, state)),
                Err(refused) => Some(Step::Answer(refused)),
            },
            StateView::Running { future, end } => {
                if let Poll::Ready(response) = future.poll(cx)? {
                    self.answer(response, state)
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
                match ready!(end.frame_ahead(stream.as_mut(), cx)) {
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
        // Whoever polls what has ended waits for ever.
        let Some(next) = next else {
            return Poll::Pending;
        };
        self.is_undecided = false;
        Poll::Ready(Ok(next))
    }

    /// The token. When it is ready, either the caller is known, or there is the answer.
    fn admit(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Own>> {
        if self.admitted.is_some() {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.admission(cx)) {
            Ok((admitted, now)) => {
                self.admitted = Some(admitted);
                self.now = Some(now);
                self.is_undecided = true;
                Poll::Ready(self.check_type())
            }
            Err(refusal) => {
                let reason = refusal.reason().code();
                Poll::Ready(Err(self.refuse(reason, refusal.into_answer(None))))
            }
        }
    }

    fn admission(&mut self, cx: &mut Context<'_>) -> Poll<Admission> {
        if let Some(admission) = &mut self.admission {
            return admission.as_mut().poll(cx);
        }
        let (guard, correlation) = (&self.shared.guard, self.correlation);
        let Some(parts) = self.parts.as_mut() else {
            return Poll::Pending;
        };
        let arrived = match guard.begin(parts, correlation, Wants::KnownLater) {
            Begun::Done(admission) => return Poll::Ready(admission),
            Begun::Waits(arrived) => arrived,
        };
        let guard = Arc::clone(guard);
        let admission = Box::pin(async move { guard.resume(arrived).await });
        self.admission.insert(admission).as_mut().poll(cx)
    }

    /// A body has to be JSON.
    fn check_type(&self) -> Result<(), Own> {
        let parts = self.parts.as_ref();
        let Some(parts) = parts.filter(|parts| parts.method == Method::POST) else {
            return Ok(());
        };
        let may_be_encoded = self.fields.have(Field::CONTENT_ENCODING);
        check_media_type(&parts.headers, may_be_encoded).map_err(|why| {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let answer = unread(status, why, Some(self.correlation));
            self.faulty(ReasonCode::MediaType, self.admitted.as_ref(), answer)
        })
    }

    /// The moment by which is decided: a body may have come slowly, and the token may have died meanwhile.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let clock = &self.shared.guard.acceptance().rules().clock;
        self.now.unwrap_or_else(|| clock.now())
    }

    pub(super) fn decide<B, R>(
        &mut self,
        bytes: Bytes,
        state: Pin<&mut StateOf<T, B, R>>,
    ) -> Option<Step<R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    {
        let by = Visitor {
            admitted: self.admitted.as_ref()?,
            now: self.now(),
            span: &self.span,
            fields: self.fields,
        };
        match self.shared.decide(self.parts.as_mut()?, &bytes, by) {
            Ok(mut pass) => {
                let bytes = pass.trimmed.take().unwrap_or(bytes);
                self.run(pass, GuardedBody::read(bytes), state)
            }
            Err(answer) => Some(Step::Answer(answer)),
        }
    }

    pub(super) fn run<B, R>(
        &mut self,
        pass: Pass,
        body: GuardedBody<B>,
        mut state: Pin<&mut StateOf<T, B, R>>,
    ) -> Option<Step<R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    {
        let admitted = self.admitted.as_ref()?;
        let mut parts = self.parts.take()?;
        parts.extensions.insert(admitted.caller());
        let behind = admitted.for_whoever_stands_behind();
        #[cfg(feature = "rmcp-3")]
        let behind = {
            let passed = Arc::new(Passed::new(&self.shared.rules));
            self.passed = Some(Arc::clone(&passed));
            behind.with_beside(passed)
        };
        parts.extensions.insert(behind);
        let end = pass.is_stream.then(|| End::of(admitted.clone()));
        self.pass = Some(pass);
        let future = self.inner.call(Request::from_parts(parts, body));
        state.set(State::Running { future, end });
        Some(Step::Goes)
    }
}

/// A caller who goes away before the request is there has learned that the token is good.
impl<T> Drop for Visit<T> {
    fn drop(&mut self) {
        if let Some(admitted) = self.admitted.as_ref().filter(|_| self.is_undecided) {
            admitted.faulty(ReasonCode::UnreadBody);
        }
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
