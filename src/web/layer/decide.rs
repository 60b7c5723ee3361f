//! What is decided about a request, without waiting for anything.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::value::RawValue;

use super::Shared;
use super::fields::{Field, Fields};
use super::head::{LAST_EVENT, SESSION};
use crate::audit::{ReasonCode, RequestSpan};
use crate::guard::Admitted;
use crate::mcp::call::Call;
use crate::mcp::envelope::{Body, Message};
use crate::mcp::error::{Fault, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND};
use crate::mcp::policy::{Needs, Refused, Stop, judge};
use crate::mcp::revision::{Revision, Said};
use crate::refusal::Refusal;
use crate::session::Sealed;
use crate::web::response::{accepted, faulty};

/// An answer of the layer's own.
pub(super) type Own = Box<Response<Bytes>>;

/// The page that may read the answer.
pub(super) type Page = Option<HeaderValue>;

/// What is known of a request that may pass.
pub(super) struct Pass {
    pub(super) session: Session,
    /// Whether the answer begins a stream of the transport of 2024-11-05.
    pub(super) begins_stream: bool,
    /// Whether the request is of revision 2026-07-28 or later.
    pub(super) is_modern: bool,
    /// Whether the answer is a stream that may be waited for.
    pub(super) is_stream: bool,
    /// The id of the one request in it, as it was written.
    pub(super) id: Option<Bytes>,
    /// What the service gets in place of what came.
    pub(super) trimmed: Option<Bytes>,
}

impl Pass {
    pub(super) const fn of(session: Session) -> Self {
        Self {
            session,
            begins_stream: false,
            is_modern: false,
            is_stream: false,
            id: None,
            trimmed: None,
        }
    }

    pub(super) fn id(&self) -> Option<&str> {
        std::str::from_utf8(self.id.as_deref()?).ok()
    }
}

/// Which session a request is about.
#[derive(Clone, Debug)]
pub(super) enum Session {
    None,
    /// The answer may begin one.
    Begins,
    /// The caller's, by the id that the service knows.
    Own(HeaderValue),
    /// The caller's, of the transport of 2024-11-05.
    Old,
}

impl Session {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Own(_) | Self::Old)
    }
}

/// Who asks, and when that was looked at.
#[derive(Clone, Copy)]
pub(super) struct Visitor<'a> {
    pub(super) admitted: &'a Admitted,
    pub(super) now: DateTime<Utc>,
    pub(super) span: &'a RequestSpan,
    pub(super) fields: Fields,
}

/// Whether one message may pass.
enum Verdict {
    Passes,
    /// Nobody is asked: it is of no use to the service, and could harm others.
    Swallowed,
    /// What is left of a batch.
    Trimmed(String),
}

impl Visitor<'_> {
    /// Takes a field away, if it came.
    pub(super) fn remove(&self, headers: &mut HeaderMap, field: Field, name: &HeaderName) {
        if self.fields.have(field) {
            headers.remove(name);
        }
    }

    /// What the request asks for, for whoever writes it down; a target is looked for if anybody does.
    pub(super) fn asks<T: AsRef<str>>(&self, method: &str, target: impl FnOnce() -> Option<T>) {
        if !self.span.is_read() && !self.admitted.is_written_down() {
            return;
        }
        let target = target();
        let target = target.as_ref().map(AsRef::as_ref);
        self.span.asks(method, target);
        self.admitted.asks(method, target);
    }

    pub(super) fn refused(&self, refusal: Refusal, id: Option<&str>) -> Own {
        self.span.decided("refused", Some(refusal.reason().code()));
        Box::new(refusal.into_answer(id))
    }

    pub(super) fn faulty(&self, status: StatusCode, fault: Fault<'_>) -> Own {
        self.faulty_for(ReasonCode::MalformedRequest, status, fault)
    }

    fn faulty_for(&self, reason: ReasonCode, status: StatusCode, fault: Fault<'_>) -> Own {
        self.admitted.faulty(reason);
        self.span.decided("refused", Some(reason));
        let fault = fault.about(self.admitted.correlation());
        Box::new(faulty(status, &fault))
    }

    fn judge(&self, calls: &[Needs<'_, '_>], id: Option<&str>) -> Result<(), Own> {
        judge(self.admitted, self.now, calls).map_err(|refused| match refused {
            Refused::Caller(refusal) => self.refused(refusal, id),
            Refused::Arguments => {
                let message = "the arguments cannot be decided about";
                let fault = Fault::new(id, INVALID_PARAMS, message);
                self.faulty(StatusCode::BAD_REQUEST, fault)
            }
        })
    }

    pub(super) fn any_valid_token(&self, id: Option<&str>) -> Result<(), Own> {
        let proof = self.admitted.authorize::<()>(self.now).map(drop);
        proof.map_err(|refusal| self.refused(refusal, id))
    }
}

impl Shared {
    /// Decides about a request by what its body says.
    pub(super) fn decide(
        &self,
        parts: &mut Parts,
        bytes: &Bytes,
        by: Visitor<'_>,
    ) -> Result<Pass, Own> {
        Self::settle(&mut parts.headers, by)?;
        let body = Body::read(bytes).map_err(|fault| by.faulty(StatusCode::BAD_REQUEST, fault))?;
        // First, so that it is known of whatever is refused from here on.
        match &body {
            Body::One(message) => by.asks(message.name(), || message.about()),
            Body::Batch(_) => by.asks("batch", no_target),
        }
        let path = parts.uri.path();
        let sse = self.sse.as_ref().filter(|sse| sse.is_like_messages(path));
        let revision = self.revision(&parts.headers, sse.is_some(), &body);
        let revision = revision.map_err(|fault| by.faulty(StatusCode::BAD_REQUEST, fault))?;
        let id = match &body {
            Body::One(message) => message.id(),
            Body::Batch(_) => None,
        };
        let session = match sse {
            Some(sse) => {
                let uri = sse.open(&parts.uri, by.admitted.verified());
                let refused = || by.refused(by.admitted.knows_no_session(), id);
                parts.uri = uri.ok_or_else(refused)?;
                Session::Old
            }
            None if revision.is_modern() => Session::None,
            None if is_call_of(&body, "initialize") => Session::Begins,
            None => self.session_of(&mut parts.headers, by, id)?,
        };
        if !matches!(session, Session::Own(_)) {
            by.remove(&mut parts.headers, Field::SESSION, &SESSION);
        }
        if matches!(session, Session::Begins) {
            by.remove(&mut parts.headers, Field::ACCEPT_ENCODING, &ACCEPT_ENCODING);
        }
        // Streams are resumed by GET, and by nothing else.
        by.remove(&mut parts.headers, Field::LAST_EVENT, &LAST_EVENT);
        let mut pass = Pass::of(session);
        pass.is_modern = revision.is_modern();
        let has_session = pass.session.is_open();
        let verdict = match &body {
            Body::One(message) => self.one(revision, message, has_session, by)?,
            Body::Batch(messages) => self.batch(revision, (messages, bytes), has_session, by)?,
        };
        match verdict {
            Verdict::Passes => {}
            Verdict::Swallowed => {
                by.span.decided("swallowed", None);
                return Err(Box::new(accepted()));
            }
            Verdict::Trimmed(body) => {
                parts.headers.insert(CONTENT_LENGTH, body.len().into());
                parts.headers.remove(TRANSFER_ENCODING);
                pass.trimmed = Some(body.into());
            }
        }
        by.span.decided("allowed", None);
        pass.id = id.map(|id| bytes.slice_ref(id.as_bytes()));
        pass.is_stream = is_call_of(&body, "subscriptions/listen");
        Ok(pass)
    }

    /// The revision that a message is written in, by the old transport or not.
    pub(super) fn revision<'a>(
        &self,
        headers: &HeaderMap,
        is_old: bool,
        body: &Body<'a>,
    ) -> Result<Revision, Fault<'a>> {
        if is_old {
            // Newer clients of the old transport name the revision that they agreed on: what they write
            // can be read as 2025-03-26 whichever older one it is.
            let said = Said::of(headers).without_version(Revision::is_before_modern);
            return revision_of(&[Revision::March2025], &said, body);
        }
        revision_of(&self.served, &self.said(headers), body)
    }

    fn one(
        &self,
        revision: Revision,
        message: &Message<'_>,
        has_session: bool,
        by: Visitor<'_>,
    ) -> Result<Verdict, Own> {
        let call = match message {
            Message::Call(call) => call,
            Message::Answer if revision.is_modern() => {
                let fault = Fault::new(None, INVALID_REQUEST, "answers are not taken");
                return Err(by.faulty(StatusCode::BAD_REQUEST, fault));
            }
            Message::Answer | Message::Notification { .. } => {
                by.any_valid_token(None)?;
                // Without a session nobody knows whose request it is about.
                let is_blind = !has_session && is_about_requests(message);
                return Ok(if is_blind {
                    Verdict::Swallowed
                } else {
                    Verdict::Passes
                });
            }
        };
        let needs = self.needs(revision, call, by);
        let needs = needs.map_err(|stop| stopped(revision, Some(call.id), stop, by))?;
        by.judge(std::slice::from_ref(&needs), Some(call.id))?;
        Ok(Verdict::Passes)
    }

    pub(super) fn needs<'a>(
        &self,
        revision: Revision,
        call: &Call<'a>,
        by: Visitor<'_>,
    ) -> Result<Needs<'_, 'a>, Stop<'a>> {
        self.rules.policy.needs(revision, call, |id| {
            let tasks = self.rules.tasks.as_ref()?;
            let sealed = Sealed::from_client(id);
            Some(tasks.open_for(by.admitted.verified(), "", &sealed).ok())
        })
    }

    /// A batch is decided as a whole.
    fn batch(
        &self,
        revision: Revision,
        (messages, bytes): (&[Message<'_>], &[u8]),
        has_session: bool,
        by: Visitor<'_>,
    ) -> Result<Verdict, Own> {
        let refuse = |message| {
            let fault = Fault::new(None, INVALID_REQUEST, message);
            Err(by.faulty(StatusCode::BAD_REQUEST, fault))
        };
        let calls = messages.iter().filter_map(|message| match message {
            Message::Call(call) => Some(call),
            Message::Answer | Message::Notification { .. } => None,
        });
        let calls: Vec<&Call<'_>> = calls.collect();
        if calls.iter().any(|call| call.method == "initialize") {
            return refuse("initialize stands alone");
        }
        let blind = !has_session && messages.iter().any(is_about_requests);
        let mut needs = Vec::with_capacity(calls.len());
        for call in calls {
            let found = self.needs(revision, call, by);
            match found {
                Ok(found) => needs.push(found),
                // The answer is about all of it, so it has no id.
                Err(stop) => return Err(stopped(revision, None, stop, by)),
            }
        }
        by.judge(&needs, None)?;
        if !blind {
            return Ok(Verdict::Passes);
        }
        let sighted = messages.iter().zip(members(bytes));
        let sighted = sighted.filter(|(message, _)| !is_about_requests(message));
        let left: Vec<&str> = sighted.map(|(_, text)| text.get()).collect();
        if left.is_empty() {
            return Ok(Verdict::Swallowed);
        }
        Ok(Verdict::Trimmed(format!("[{}]", left.join(","))))
    }
}

/// The messages of a batch, as they were written.
fn members(batch: &[u8]) -> Vec<&RawValue> {
    serde_json::from_slice(batch).unwrap_or_default()
}

/// What the layer answers by itself, to anybody with a valid token.
fn stopped(revision: Revision, id: Option<&str>, stop: Stop<'_>, by: Visitor<'_>) -> Own {
    // Whoever is denied is told so first.
    if let Err(refusal) = by.admitted.any(by.now) {
        return by.refused(refusal, id);
    }
    let (status, code, message) = match stop {
        Stop::Closed => return by.refused(by.admitted.denies(), id),
        Stop::Fault(fault) => {
            let fault = Fault { id, ..fault };
            return by.faulty(StatusCode::BAD_REQUEST, fault);
        }
        Stop::UnknownMethod => (StatusCode::NOT_FOUND, METHOD_NOT_FOUND, "method not found"),
        Stop::UnknownTask if revision.is_modern() => {
            (StatusCode::BAD_REQUEST, INVALID_PARAMS, "unknown task")
        }
        Stop::UnknownTask => (StatusCode::OK, INVALID_PARAMS, "unknown task"),
    };
    by.faulty_for(
        ReasonCode::UnknownName,
        status,
        Fault::new(id, code, message),
    )
}

fn revision_of<'a>(
    served: &[Revision],
    said: &Said<'_>,
    body: &Body<'a>,
) -> Result<Revision, Fault<'a>> {
    match body {
        Body::One(message) => Revision::of(served, said, message),
        Body::Batch(messages) => Revision::of_batch(served, said, messages),
    }
}

fn is_call_of(body: &Body<'_>, method: &str) -> bool {
    matches!(body, Body::One(Message::Call(call)) if call.method == method)
}

/// Whether a message is about a request by its id, which says nothing of whose it is.
fn is_about_requests(message: &Message<'_>) -> bool {
    match message {
        Message::Answer => true,
        Message::Notification { method } => {
            matches!(
                &**method,
                "notifications/cancelled" | "notifications/progress"
            )
        }
        Message::Call(_) => false,
    }
}

pub(super) const fn no_target() -> Option<&'static str> {
    None
}
