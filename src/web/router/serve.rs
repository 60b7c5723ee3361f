//! One request, through the checks in their order.
//!
//! Token · HTTP method · media type · body within its limits · JSON-RPC shape · headers against body
//! · policy · handler.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use super::answer::{
    Accepts, Answer, Audience, UNCACHED, allowing, answered, as_events, finished, in_band,
    succeeded,
};
use super::endpoint::{Endpoint, Route};
use super::entry::{Entry, Given, Run, Stop};
use super::pay::{Unread, begun_with, held};
use super::reply::{Reply, tool_refused};
use super::stream::Work;
use crate::audit::ReasonCode;
use crate::guard::{Admitted, Wants};
use crate::lifecycle::{Expired, UntilExpiry};
use crate::mcp::Kind;
use crate::mcp::call::Call;
use crate::mcp::envelope::{self, Message};
use crate::mcp::error::{Fault, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, error_body};
use crate::mcp::policy::decide;
use crate::mcp::revision::{Revision, Said};
use crate::refusal::Refusal;
use crate::web::collect::Collect;
use crate::web::response::{self, check_media_type, faulty, unread};

/// A request that was let in.
struct Visit<'a> {
    admitted: &'a Admitted,
    now: DateTime<Utc>,
    headers: &'a HeaderMap,
}

impl Visit<'_> {
    /// The answer to who is refused for the form of the request, which is written down.
    fn faulty(&self, fault: &Fault<'_>) -> Response {
        self.admitted.faulty(ReasonCode::MalformedRequest);
        faulty(StatusCode::BAD_REQUEST, fault)
    }

    /// Whether a request wants to go on with a session. None was ever given out here, so it is over;
    /// `initialize` begins anew.
    fn names_session(&self, message: &Message<'_>) -> bool {
        let begins = matches!(message, Message::Call(call) if call.method == "initialize");
        !begins && self.headers.contains_key("mcp-session-id")
    }

    /// Long work for somebody who cannot follow a stream: it ends at the token's deadline as well.
    async fn to_its_end(&self, work: Work) -> Result<Reply, Refusal> {
        let done = UntilExpiry::new(work.run(), self.admitted.wake_up()).await;
        done.map_err(|Expired| self.admitted.over())
    }

    /// Whoever has a valid token is told that what the request names is not there.
    fn names_nothing(&self) -> Result<(), Refusal> {
        drop(self.admitted.any(self.now)?);
        self.admitted.faulty(ReasonCode::UnknownName);
        Ok(())
    }

    async fn settled(&self, run: Run) -> Result<Reply, Refusal> {
        match run.await {
            Reply::Streams(work) => self.to_its_end(work).await,
            reply @ (Reply::Done(_) | Reply::Failed(_)) => Ok(reply),
        }
    }
}

impl<St: Clone + Send + Sync + 'static> Endpoint<St> {
    pub(super) async fn serve(&self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        if parts.method == Method::OPTIONS {
            // A preflight has no credentials, and no origin is let in by this answer.
            return allowing(Response::new(Body::empty()), StatusCode::NO_CONTENT);
        }
        let admitted = match self.guard.admit(&mut parts, Wants::KnownLater).await {
            Ok((admitted, _)) => admitted,
            Err(refusal) => return refusal.into_answer(None),
        };
        self.answer(&admitted, &parts, body).await
    }

    async fn answer(&self, admitted: &Admitted, parts: &Parts, body: Body) -> Response {
        let unread = Unread(Some(admitted));
        let read = self.read(admitted, parts, body).await;
        unread.came();
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(response) => return response,
        };
        let visit = Visit {
            admitted,
            // Only now: the body may have come slowly, and the token may have died meanwhile.
            now: self.now(),
            headers: &parts.headers,
        };
        match envelope::Body::read(&bytes) {
            Err(fault) => visit.faulty(&fault),
            Ok(envelope::Body::One(message)) => self.one(&visit, message).await,
            Ok(envelope::Body::Batch(messages)) => self.batch(&visit, &messages).await,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.guard.acceptance().rules().clock.now()
    }

    async fn read(
        &self,
        admitted: &Admitted,
        parts: &Parts,
        body: Body,
    ) -> Result<Bytes, Response> {
        if parts.method != Method::POST {
            admitted.asks(parts.method.as_str(), None);
            admitted.faulty(ReasonCode::MethodNotAllowed);
            let response = unread(StatusCode::METHOD_NOT_ALLOWED, "only POST is served", None);
            return Err(allowing(response, StatusCode::METHOD_NOT_ALLOWED));
        }
        let checked = check_media_type(&parts.headers, true);
        checked.map_err(|why| {
            admitted.faulty(ReasonCode::MediaType);
            unread(StatusCode::UNSUPPORTED_MEDIA_TYPE, why, None)
        })?;
        let read = Collect::new(body, self.limits).await;
        read.map_err(|unread| {
            admitted.faulty(ReasonCode::UnreadBody);
            unread.into_answer(None)
        })
    }

    async fn one(&self, visit: &Visit<'_>, message: Message<'_>) -> Response {
        let about = message.about();
        visit.admitted.asks(message.name(), about.as_deref());
        let revision = match Revision::of(&Revision::ALL, &Said::of(visit.headers), &message) {
            Ok(revision) => revision,
            Err(fault) => return visit.faulty(&fault),
        };
        if !revision.is_modern() && visit.names_session(&message) {
            return visit.admitted.knows_no_session().into_answer(message.id());
        }
        let call = match message {
            Message::Call(call) => call,
            Message::Answer if revision.is_modern() => {
                let fault = Fault::new(None, INVALID_REQUEST, "answers are not taken");
                return visit.faulty(&fault);
            }
            Message::Answer | Message::Notification { .. } => return accepted(visit),
        };
        let route = self.route(revision, &call);
        let Visit { admitted, now, .. } = *visit;
        match begun_with(admitted, now, &[&call], std::slice::from_ref(&route)).await {
            Ok(place) => held(self.called(visit, revision, &call, route).await, place),
            Err(refusal) => refusal.into_answer(Some(call.id)),
        }
    }

    /// One call that was paid.
    async fn called(
        &self,
        visit: &Visit<'_>,
        revision: Revision,
        call: &Call<'_>,
        route: Route<'_, '_, St>,
    ) -> Response {
        let accepts = Accepts::of(visit.headers);
        match self.begin(visit, revision, call, route) {
            Err(refusal) => refusal.into_answer(Some(call.id)),
            Ok(Begun::Answered(answer)) => answered(answer, accepts),
            Ok(Begun::Runs(run, audience)) => {
                let work = match run.await {
                    Reply::Streams(work) => work,
                    reply @ (Reply::Done(_) | Reply::Failed(_)) => {
                        return answered(finished(revision, call.id, reply, audience), accepts);
                    }
                };
                if accepts.events {
                    return streamed(visit, revision, call, work, audience);
                }
                match visit.to_its_end(work).await {
                    Ok(reply) => answered(finished(revision, call.id, reply, audience), accepts),
                    Err(refusal) => refusal.into_answer(Some(call.id)),
                }
            }
        }
    }

    /// Everything up to the moment at which the handler runs.
    fn begin(
        &self,
        visit: &Visit<'_>,
        revision: Revision,
        call: &Call<'_>,
        route: Route<'_, '_, St>,
    ) -> Result<Begun, Refusal> {
        let Visit { admitted, now, .. } = *visit;
        let done = |members: String| {
            let answer = succeeded(revision, call.id, &members);
            Ok(Begun::Answered(answer))
        };
        let failed = |status, code, message| {
            Ok(Begun::Answered(Answer {
                status,
                body: error_body(Some(call.id), code, message, None),
            }))
        };
        let unfit = |message| failed(in_band(revision), INVALID_PARAMS, message);
        let any_valid_token = || admitted.authorize::<()>(now).map(drop);
        match route {
            Route::Handler {
                entry,
                params,
                uri,
                also,
            } => {
                if !also.is_empty() {
                    drop(admitted.any(now)?);
                    let all = std::iter::once(entry.demand).chain(also);
                    decide(admitted, all)?;
                }
                let given = Given {
                    admitted,
                    now,
                    params: &params,
                    uri: uri.as_deref(),
                    state: &self.state,
                };
                begun(revision, call, entry, given)
            }
            Route::List(list, demands) => {
                (demands.obtain)(admitted, now)?;
                if call.has_cursor() {
                    // There is one page, so no cursor was handed out.
                    return unfit("invalid cursor");
                }
                let mut members = self.list(list, admitted);
                if revision.is_modern() {
                    members.push_str(UNCACHED);
                }
                done(members)
            }
            Route::Open(method) => {
                any_valid_token()?;
                done(self.open(method, call))
            }
            Route::UnknownMethod => {
                visit.names_nothing()?;
                failed(StatusCode::NOT_FOUND, METHOD_NOT_FOUND, "method not found")
            }
            Route::UnknownName => {
                visit.names_nothing()?;
                unfit("unknown name")
            }
        }
    }

    /// A batch is decided as a whole, before anything of it runs.
    async fn batch(&self, visit: &Visit<'_>, messages: &[Message<'_>]) -> Response {
        visit.admitted.asks("batch", None);
        let refuse = |message| visit.faulty(&Fault::new(None, INVALID_REQUEST, message));
        let revision = match Revision::of_batch(&Revision::ALL, &Said::of(visit.headers), messages)
        {
            Ok(revision) => revision,
            Err(fault) => return visit.faulty(&fault),
        };
        if messages.iter().any(|message| visit.names_session(message)) {
            return visit.admitted.knows_no_session().into_answer(None);
        }
        let calls: Vec<&Call<'_>> = messages
            .iter()
            .filter_map(|message| match message {
                Message::Call(call) => Some(call),
                Message::Answer | Message::Notification { .. } => None,
            })
            .collect();
        if calls.iter().any(|call| call.method == "initialize") {
            return refuse("initialize stands alone");
        }
        if calls.is_empty() {
            return accepted(visit);
        }
        let admitted = visit.admitted;
        let routes: Vec<_> = calls
            .iter()
            .map(|call| self.route(revision, call))
            .collect();
        let begun = begun_with(admitted, visit.now, &calls, &routes).await;
        let begun = begun.and_then(|place| admitted.any(visit.now).map(|_| place));
        let place = match begun {
            Ok(place) => place,
            Err(refusal) => return refusal.into_answer(None),
        };
        if let Err(refusal) = decide(admitted, routes.iter().flat_map(Route::demands)) {
            return refusal.into_answer(None);
        }
        let mut answers = Vec::new();
        for (call, route) in calls.into_iter().zip(routes) {
            // Those before it may have taken longer than the token lives.
            let visit = &Visit {
                now: self.now(),
                ..*visit
            };
            admitted.asks(&call.method, call.about().as_deref());
            let answer = match self.begin(visit, revision, call, route) {
                Err(refusal) => return refusal.into_answer(None),
                Ok(Begun::Answered(answer)) => answer,
                Ok(Begun::Runs(run, audience)) => match visit.settled(run).await {
                    Ok(reply) => finished(revision, call.id, reply, audience),
                    Err(refusal) => return refusal.into_answer(None),
                },
            };
            answers.push(answer.body);
        }
        let body = format!("[{}]", answers.join(","));
        let status = StatusCode::OK;
        let answer = answered(Answer { status, body }, Accepts::of(visit.headers));
        held(answer, place)
    }
}

/// The handler, unless it is kept from running.
fn begun<St: 'static>(
    revision: Revision,
    call: &Call<'_>,
    entry: &Entry<St>,
    given: Given<'_, St>,
) -> Result<Begun, Refusal> {
    let kind = entry.rule.kind();
    let audience = Audience::of(kind, &call.method);
    let answer = match entry.call(given) {
        Ok(run) => return Ok(Begun::Runs(run, audience)),
        Err(Stop::Refused(refusal)) => return Err(refusal),
        // The caller's model mends its arguments (SEP-1303).
        Err(Stop::Arguments(error)) if kind == Kind::Tool => {
            let refused = tool_refused(&format!("invalid arguments: {error}"));
            finished(revision, call.id, refused, audience)
        }
        Err(Stop::Arguments(_)) => Answer {
            status: in_band(revision),
            body: error_body(Some(call.id), INVALID_PARAMS, "invalid params", None),
        },
    };
    Ok(Begun::Answered(answer))
}

/// A call after its checks.
enum Begun {
    Answered(Answer),
    /// It runs.
    Runs(Run, Audience),
}

fn streamed(
    visit: &Visit<'_>,
    revision: Revision,
    call: &Call<'_>,
    work: Work,
    audience: Audience,
) -> Response {
    let id = call.id.to_owned();
    let events = work.events(
        call.progress_token(),
        visit.admitted.clone(),
        move |reply| finished(revision, &id, reply, audience).body,
    );
    as_events(Body::from_stream(events))
}

/// A notification or an answer: nothing is run for it, but it needs a valid token that nothing
/// denies.
fn accepted(visit: &Visit<'_>) -> Response {
    if let Err(refusal) = visit.admitted.authorize::<()>(visit.now) {
        return refusal.into_answer(None);
    }
    response::accepted()
}
