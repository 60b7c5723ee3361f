//! What the layer changes in the answers of the service.

use std::pin::Pin;

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, Entry};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use tower::Service;

use super::body::{End, GuardedAnswer, GuardedBody};
use super::cors;
use super::decide::{Own, Pass, Session};
use super::events::Sealer;
use super::future::{State, StateOf, Step, Visit};
use super::head::SESSION;
use super::sse::Beginning;
use crate::audit::ReasonCode;
use crate::guard::Admitted;
use crate::mcp::error::{Fault, INTERNAL};
use crate::refusal::Refusal;
use crate::web::response::{correlate, faulty};

impl<T> Visit<T> {
    /// The service's answer: its session id sealed, its body ended with the token.
    pub(super) fn answer<B, R>(
        &mut self,
        response: Response<R>,
        mut state: Pin<&mut StateOf<T, B, R>>,
    ) -> Option<Step<R>>
    where
        T: Service<Request<GuardedBody<B>>, Response = Response<R>>,
        R: HttpBody<Data = Bytes>,
    {
        let (admitted, pass) = (self.admitted.take()?, self.pass.take()?);
        if admitted.is_over() {
            // The service took longer than the token lives.
            return Some(self.over(admitted.over(), pass.id()));
        }
        let is_stream = is_event_stream(response.headers());
        // A stream of an older revision may begin before its request is answered, or after: a challenge
        // only now and then would help nobody.
        #[cfg(feature = "rmcp-3")]
        if (pass.is_modern || !is_stream)
            && let Some(refusal) = self.passed.take().and_then(|passed| passed.refusal())
        {
            // What a handler demanded beyond the policy, before the head of the answer was sent.
            let reason = refusal.reason().code();
            let answer = refusal.into_answer(pass.id());
            return Some(self.refused(reason, answer));
        }
        let (mut head, body) = response.into_parts();
        if head.status.is_informational() {
            // Another protocol, of which nothing is decided.
            let why = "the service switched protocols";
            return Some(self.bad_gateway(why, &admitted, pass.id()));
        }
        if pass.session.is_open() && head.status == StatusCode::NOT_FOUND {
            let refusal = admitted.has_ended_session();
            let answer = refusal.into_answer(pass.id());
            return Some(self.refused(ReasonCode::UnknownSession, answer));
        }
        let Ok(session) = self.seal_session(&mut head.headers, &admitted, &pass) else {
            let why = "the service's session id is none";
            return Some(self.bad_gateway(why, &admitted, pass.id()));
        };
        forbid_storing(&mut head.headers, is_stream);
        if pass.begins_stream && head.status.is_success() {
            if !is_stream {
                return Some(self.bad_gateway(NO_ADDRESS, &admitted, None));
            }
            head.headers.remove(CONTENT_LENGTH);
            state.set(State::Opening {
                head: Some(Response::from_parts(head, ())),
                body: Some((Box::pin(body), End::of(admitted))),
                ahead: BytesMut::new(),
            });
            return Some(Step::Goes);
        }
        let mut encodings = head.headers.get_all(CONTENT_ENCODING).iter();
        let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        let is_readable = is_stream && encodings.all(is_identity);
        let events = session.filter(|_| is_readable).map(|session| {
            head.headers.remove(CONTENT_LENGTH);
            let ids = self.shared.events.clone();
            Box::new(Sealer::new(ids, session.as_bytes()))
        });
        let body = GuardedAnswer::theirs(body, admitted, events);
        Some(Step::Theirs(Response::from_parts(head, body)))
    }

    /// The id of the session that the answer is about, sealed where it stands; an error if an id is
    /// none.
    fn seal_session(
        &self,
        headers: &mut HeaderMap,
        admitted: &Admitted,
        pass: &Pass,
    ) -> Result<Option<HeaderValue>, BadId> {
        if !headers.keys().any(|name| *name == SESSION) {
            let Session::Own(own) = &pass.session else {
                return Ok(None);
            };
            return Ok(Some(own.clone()));
        }
        let mut values = headers.get_all(&SESSION).iter();
        let id = values.next().cloned();
        let is_only = values.next().is_none();
        let is_there = id.is_some();
        let (about, says) = match (&pass.session, id) {
            (Session::Begins, Some(id)) if is_only => (Some(id.clone()), Some(id)),
            (Session::Begins, Some(_)) => return Err(BadId),
            (Session::Own(own), Some(id)) if is_only && id == *own => (Some(own.clone()), Some(id)),
            (Session::Own(own), _) => (Some(own.clone()), None),
            // Nobody asked for one: it could be somebody else's.
            (Session::Begins | Session::None | Session::Old, _) => (None, None),
        };
        if is_there {
            headers.remove(&SESSION);
        }
        if let Some(id) = says {
            let id = id.to_str().ok().ok_or(BadId)?;
            let sealed = self.shared.ids.seal(id, admitted.verified()).ok_or(BadId)?;
            let sealed = HeaderValue::try_from(sealed).ok().ok_or(BadId)?;
            headers.insert(&SESSION, sealed);
        }
        Ok(about)
    }

    /// What comes of the beginning of an old stream; nothing as long as it goes on.
    pub(super) fn begin_stream<R>(
        &self,
        head: &mut Option<Response<()>>,
        body: &mut Option<(Pin<Box<R>>, End)>,
        ahead: &BytesMut,
    ) -> Option<Step<R>> {
        let (_, end) = body.as_ref()?;
        match self.shared.sse.as_ref()?.read(ahead, end.verified()) {
            Beginning::Goes => None,
            Beginning::Broken => Some(self.bad_gateway(NO_ADDRESS, end.admitted(), None)),
            Beginning::Sealed(bytes) => {
                let (body, end) = body.take()?;
                let body = GuardedAnswer::begun(bytes, body, end);
                Some(Step::Theirs(head.take()?.map(|()| body)))
            }
        }
    }

    /// A stream that ended before it began.
    pub(super) fn stream_failed<R>(&self, end: &End) -> Step<R> {
        let id = self.pass.as_ref().and_then(Pass::id);
        match end.refusal() {
            Some(refusal) => self.over(refusal, id),
            None => self.bad_gateway(NO_ADDRESS, end.admitted(), id),
        }
    }

    pub(super) fn refused<R>(&self, reason: ReasonCode, answer: Response<Bytes>) -> Step<R> {
        Step::Answer(self.refuse(reason, answer))
    }

    /// The answer to who is refused, which is written down.
    pub(super) fn refuse(&self, reason: ReasonCode, answer: Response<Bytes>) -> Own {
        self.span.decided("refused", Some(reason));
        Box::new(answer)
    }

    /// The answer to who is refused for another reason than what the guard decides, which is written
    /// down here.
    pub(super) fn faulty(
        &self,
        reason: ReasonCode,
        admitted: Option<&Admitted>,
        answer: Response<Bytes>,
    ) -> Own {
        match admitted {
            Some(admitted) => admitted.faulty(reason),
            None => self.shared.guard.faulty(reason, self.correlation),
        }
        self.refuse(reason, answer)
    }

    /// The token died before the answer.
    fn over<R>(&self, refusal: Refusal, id: Option<&str>) -> Step<R> {
        let reason = refusal.reason().code();
        self.refused(reason, refusal.into_answer(id))
    }

    /// The service answered what cannot be passed on.
    fn bad_gateway<R>(&self, why: &'static str, by: &Admitted, id: Option<&str>) -> Step<R> {
        let fault = Fault::new(id, INTERNAL, why).about(self.correlation);
        let answer = faulty(StatusCode::BAD_GATEWAY, &fault);
        Step::Answer(self.faulty(ReasonCode::BadGateway, Some(by), answer))
    }

    /// What every answer says.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        correlate(headers, self.correlation);
        if let Some(page) = &self.page {
            cors::expose(headers, page.clone());
        }
    }
}

/// The service's session id is none.
struct BadId;

static UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

const NO_ADDRESS: &str = "the service named no address for messages";

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}

/// What is answered to one caller is for nobody else (RFC 9111 section 3.5), and a stream is not held
/// back.
fn forbid_storing(headers: &mut HeaderMap, is_stream: bool) {
    if is_stream {
        let both = HeaderValue::from_static("no-store, no-transform");
        headers.insert(CACHE_CONTROL, both);
        headers.insert(&UNBUFFERED, HeaderValue::from_static("no"));
        return;
    }
    let forbids = |value: &HeaderValue| {
        let mut directives = value.to_str().unwrap_or_default().split(',').map(str::trim);
        directives.any(|directive| {
            ["no-store", "private"]
                .iter()
                .any(|known| directive.eq_ignore_ascii_case(known))
        })
    };
    let no_store = || HeaderValue::from_static("no-store");
    match headers.entry(CACHE_CONTROL) {
        Entry::Occupied(said) if said.iter().any(forbids) => {}
        Entry::Occupied(mut said) => drop(said.insert(no_store())),
        Entry::Vacant(unsaid) => drop(unsaid.insert(no_store())),
    }
}
