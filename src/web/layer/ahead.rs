//! What a request costs, before it is decided about; and the decision about one without a message.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower::Service;

use super::Shared;
use super::body::GuardedBody;
use super::decide::{Own, Visitor, no_target};
use super::fields::Field;
use super::future::{State, StateOf, Step, Visit};
use super::head::SESSION;
use crate::audit::ReasonCode;
use crate::guard::Admitted;
use crate::limit::{Bill, Place};
use crate::mcp::envelope::{Body, Message};
use crate::mcp::policy::{bill, scopes_of};
use crate::refusal::Refusal;
use crate::web::collect::Unread;
use crate::web::response::unread;

/// Other machines are asked whether it can be paid.
pub(super) type Payment = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// What is known of a request ahead of the decision.
#[derive(Default)]
struct Ahead {
    bill: Bill,
    place: Place,
    id: Option<Bytes>,
}

impl Shared {
    /// What a message costs. What would be refused anyway costs what its requests cost, and no more.
    fn ahead(&self, parts: &Parts, bytes: &Bytes, by: Visitor<'_>) -> Ahead {
        let Ok(body) = Body::read(bytes) else {
            return Ahead::default();
        };
        // First, so that it is known of whoever has nothing left.
        match &body {
            Body::One(message) => by.asks(message.name(), || message.about()),
            Body::Batch(_) => by.asks("batch", no_target),
        }
        let sse = self.sse.as_ref();
        let is_old = sse.is_some_and(|sse| sse.is_like_messages(parts.uri.path()));
        let messages = match &body {
            Body::One(message) => std::slice::from_ref(message),
            Body::Batch(messages) => messages,
        };
        let calls: Vec<_> = messages
            .iter()
            .filter_map(|message| match message {
                Message::Call(call) => Some(call),
                Message::Answer | Message::Notification { .. } => None,
            })
            .collect();
        let revision = self.revision(&parts.headers, is_old, &body).ok();
        let scopes = |call| {
            let needs = self.needs(revision?, call, by).ok()?;
            scopes_of(by.admitted, &needs).map(Some)
        };
        let scopes: Option<Vec<_>> = calls.iter().map(|call| scopes(call)).collect();
        let begins = calls.iter().any(|call| call.method == "initialize");
        let in_session = !is_old && !begins && revision.is_some_and(|known| !known.is_modern());
        let may_pass = || {
            let own_session = !in_session || self.has_its_session(parts, by);
            own_session && by.admitted.may_pass(by.now)
        };
        let scopes = scopes.filter(|_| may_pass());
        let bill = bill(by.admitted, &calls, scopes);
        let place = match calls[..] {
            [] => Place::None,
            [only] if only.method == "subscriptions/listen" => Place::Stream,
            _ => Place::Call,
        };
        let id = match &body {
            Body::One(message) => message.id().map(|id| bytes.slice_ref(id.as_bytes())),
            Body::Batch(_) => None,
        };
        Ahead { bill, place, id }
    }

    /// Whether the session that a request names is its caller's, if it names one.
    fn has_its_session(&self, parts: &Parts, by: Visitor<'_>) -> bool {
        let mut named = parts.headers.get_all(&SESSION).iter();
        let is_own = |sealed: &HeaderValue| {
            let sealed = sealed.to_str().unwrap_or_default();
            self.ids.open(sealed, by.admitted.verified()).is_some()
        };
        !by.fields.have(Field::SESSION) || named.all(is_own)
    }
}

impl<T> Visit<T> {
    /// The bytes of a message, or the answer to one that could not be read.
    pub(super) fn unread(&self, read: Result<Bytes, Unread>) -> Result<Bytes, Own> {
        read.map_err(|unread| {
            let answer = unread.into_answer(Some(self.correlation));
            self.faulty(ReasonCode::UnreadBody, self.admitted.as_ref(), answer)
        })
    }

    fn visitor<'a>(&'a self, admitted: &'a Admitted) -> Visitor<'a> {
        Visitor {
            admitted,
            now: self.now(),
            span: &self.span,
            fields: self.fields,
        }
    }

    /// Pays for a message, and then decides about it.
    pub(super) fn pay<B, R>(
        &mut self,
        bytes: Bytes,
        mut state: Pin<&mut StateOf<T, B, R>>,
    ) -> Option<Step<R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    {
        let admitted = self.admitted.as_ref()?;
        let is_batch = bytes.trim_ascii_start().starts_with(b"[");
        if !admitted.has_prices(is_batch) {
            return self.decide(bytes, state);
        }
        let by = self.visitor(admitted);
        let ahead = self.shared.ahead(self.parts.as_ref()?, &bytes, by);
        let Ahead { bill, place, id } = ahead;
        self.id = id;
        if let Err(refused) = self.begin(place) {
            return Some(Step::Answer(refused));
        }
        let admitted = self.admitted.as_ref()?;
        if admitted.is_asked_elsewhere(&bill) {
            let admitted = admitted.clone();
            let payment: Payment = Box::pin(async move { admitted.pay_everywhere(&bill).await });
            state.set(State::Paying {
                payment,
                bytes: Some(bytes),
            });
            return Some(Step::Goes);
        }
        match admitted.pay(&bill) {
            Ok(()) => self.decide(bytes, state),
            Err(refusal) => Some(Step::Answer(self.refuse_paying(refusal))),
        }
    }

    /// What comes of asking other machines.
    pub(super) fn paid(
        &mut self,
        payment: &mut Payment,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Own>> {
        let paid = ready!(payment.as_mut().poll(cx));
        // That took a while.
        self.now = None;
        Poll::Ready(paid.map_err(|refusal| self.refuse_paying(refusal)))
    }

    /// Takes the request's place among what the caller does at once.
    fn begin(&mut self, place: Place) -> Result<(), Own> {
        let Some(admitted) = &mut self.admitted else {
            return Ok(());
        };
        match admitted.place(place) {
            Ok(place) => {
                admitted.hold(place);
                Ok(())
            }
            Err(refusal) => Err(self.refuse_paying(refusal)),
        }
    }

    pub(super) fn decide_head<B, R>(
        &mut self,
        body: B,
        state: Pin<&mut StateOf<T, B, R>>,
    ) -> Option<Step<R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
        B: HttpBody<Data = Bytes>,
    {
        if body.size_hint().lower() > 0 {
            // A service that takes it for a message would take one that nobody decided about.
            let why = "only POST has a body";
            let answer = unread(StatusCode::BAD_REQUEST, why, Some(self.correlation));
            let reason = ReasonCode::MalformedRequest;
            return Some(Step::Answer(self.faulty(
                reason,
                self.admitted.as_ref(),
                answer,
            )));
        }
        if let Err(refused) = self.begin_head() {
            return Some(Step::Answer(refused));
        }
        let by = Visitor {
            admitted: self.admitted.as_ref()?,
            now: self.now(),
            span: &self.span,
            fields: self.fields,
        };
        let parts = self.parts.as_mut()?;
        match self.shared.decide_head(parts, by) {
            Ok(pass) => {
                self.span.decided("allowed", None);
                let body = if body.is_end_stream() {
                    GuardedBody::untouched(body)
                } else {
                    // Whatever comes is for nobody.
                    parts.headers.remove(CONTENT_LENGTH);
                    parts.headers.remove(TRANSFER_ENCODING);
                    GuardedBody::read(Bytes::new())
                };
                self.run(pass, body, state)
            }
            Err(answer) => Some(Step::Answer(answer)),
        }
    }

    /// The same for a request without a message.
    fn begin_head(&mut self) -> Result<(), Own> {
        let is_limited = |by: &Admitted| by.has_prices(false);
        if !self.admitted.as_ref().is_some_and(is_limited) {
            return Ok(());
        }
        let method = self.parts.as_ref().map(|parts| &parts.method);
        let opens = method == Some(&Method::GET);
        self.begin(if opens { Place::Stream } else { Place::None })
    }

    fn refuse_paying(&self, refusal: Refusal) -> Own {
        let reason = refusal.reason().code();
        let id = self.id.as_deref();
        let id = id.and_then(|id| std::str::from_utf8(id).ok());
        self.refuse(reason, refusal.into_answer(id))
    }
}
