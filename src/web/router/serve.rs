//! One request, through the checks in their order.
//!
//! Token · HTTP method · media type · body within its limits · JSON-RPC shape · headers against body
//! · policy · handler.

use std::error::Error as _;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::LengthLimitError;

use super::answer::{
    Accepts, Answer, UNCACHED, allowing, answered, as_events, faulty, finished, in_band, succeeded,
};
use super::endpoint::{Endpoint, Route};
use super::entry::{Demands, Given, Run, Stop};
use super::reply::{Reply, tool_refused};
use super::stream::Work;
use crate::guard::Admitted;
use crate::lifecycle::{Expired, UntilExpiry};
use crate::mcp::Kind;
use crate::mcp::envelope::{self, Call, Message};
use crate::mcp::error::{Fault, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, error_body};
use crate::mcp::revision::Revision;
use crate::refusal::Refusal;

/// A request that was let in.
struct Visit<'a> {
    admitted: &'a Admitted,
    now: DateTime<Utc>,
    headers: &'a HeaderMap,
}

impl Visit<'_> {
    /// Long work for somebody who cannot follow a stream: it ends at the token's deadline as well.
    async fn to_its_end(&self, work: Work) -> Result<Reply, Refusal> {
        let done = UntilExpiry::new(work.run(), self.admitted.wake_up()).await;
        done.map_err(|Expired| self.admitted.expired())
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
        let admitted = match self.guard.admit(&mut parts).await {
            Ok((admitted, _)) => admitted,
            Err(refusal) => return refusal.into_answer(None),
        };
        let bytes = match self.read(&parts, body).await {
            Ok(bytes) => bytes,
            Err(response) => return response,
        };
        let visit = Visit {
            admitted: &admitted,
            // Only now: the body may have come slowly, and the token may have died meanwhile.
            now: self.now(),
            headers: &parts.headers,
        };
        match envelope::Body::read(&bytes) {
            Err(fault) => faulty(StatusCode::BAD_REQUEST, &fault),
            Ok(envelope::Body::One(message)) => self.one(&visit, message).await,
            Ok(envelope::Body::Batch(messages)) => self.batch(&visit, &messages).await,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.guard.acceptance().rules().clock.now()
    }

    async fn read(&self, parts: &Parts, body: Body) -> Result<Bytes, Response> {
        let refuse = |status, message| faulty(status, &Fault::new(None, INVALID_REQUEST, message));
        if parts.method != Method::POST {
            let response = refuse(StatusCode::METHOD_NOT_ALLOWED, "only POST is served");
            return Err(allowing(response, StatusCode::METHOD_NOT_ALLOWED));
        }
        if !is_json(&parts.headers) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(refuse(status, "the body must be application/json"));
        }
        let read = to_bytes(body, self.limits.body);
        match tokio::time::timeout(self.limits.patience, read).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => {
                let too_long = error
                    .source()
                    .is_some_and(|cause| cause.downcast_ref::<LengthLimitError>().is_some());
                Err(if too_long {
                    refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long")
                } else {
                    refuse(StatusCode::BAD_REQUEST, "the body cannot be read")
                })
            }
            Err(_) => Err(refuse(
                StatusCode::REQUEST_TIMEOUT,
                "the body came too slowly",
            )),
        }
    }

    async fn one(&self, visit: &Visit<'_>, message: Message<'_>) -> Response {
        let revision = match Revision::of(visit.headers, &message) {
            Ok(revision) => revision,
            Err(fault) => return faulty(StatusCode::BAD_REQUEST, &fault),
        };
        let call = match message {
            Message::Call(call) => call,
            Message::Answer if revision.is_modern() => {
                let fault = Fault::new(None, INVALID_REQUEST, "answers are not taken");
                return faulty(StatusCode::BAD_REQUEST, &fault);
            }
            Message::Answer | Message::Notification { .. } => return accepted(visit),
        };
        let route = self.route(revision, &call);
        let accepts = Accepts::of(visit.headers);
        match self.begin(visit, revision, &call, route) {
            Err(refusal) => refusal.into_answer(Some(call.id)),
            Ok(Begun::Answered(answer)) => answered(answer, accepts),
            Ok(Begun::Runs(run, kind)) => {
                let work = match run.await {
                    Reply::Streams(work) => work,
                    reply @ (Reply::Done(_) | Reply::Failed(_)) => {
                        return answered(finished(revision, call.id, reply, kind), accepts);
                    }
                };
                if accepts.events {
                    return streamed(visit, revision, &call, work, kind);
                }
                match visit.to_its_end(work).await {
                    Ok(reply) => answered(finished(revision, call.id, reply, kind), accepts),
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
            Route::Handler { entry, params, uri } => {
                let kind = entry.rule.kind();
                let given = Given {
                    admitted,
                    now,
                    params: &params,
                    uri: uri.as_deref(),
                    state: &self.state,
                };
                match entry.call(given) {
                    Ok(run) => Ok(Begun::Runs(run, kind)),
                    Err(Stop::Refused(refusal)) => Err(refusal),
                    // The caller's model mends its arguments (SEP-1303).
                    Err(Stop::Arguments(error)) if kind == Kind::Tool => {
                        let refused = tool_refused(&format!("invalid arguments: {error}"));
                        let answer = finished(revision, call.id, refused, kind);
                        Ok(Begun::Answered(answer))
                    }
                    Err(Stop::Arguments(_)) => unfit("invalid params"),
                }
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
                any_valid_token()?;
                failed(StatusCode::NOT_FOUND, METHOD_NOT_FOUND, "method not found")
            }
            Route::UnknownName => {
                any_valid_token()?;
                unfit("unknown name")
            }
        }
    }

    /// A batch is decided as a whole, before anything of it runs.
    async fn batch(&self, visit: &Visit<'_>, messages: &[Message<'_>]) -> Response {
        let refuse = |message| {
            let fault = Fault::new(None, INVALID_REQUEST, message);
            faulty(StatusCode::BAD_REQUEST, &fault)
        };
        let revision = match Revision::of_batch(visit.headers, messages) {
            Ok(revision) => revision,
            Err(fault) => return faulty(StatusCode::BAD_REQUEST, &fault),
        };
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
        let let_in = admitted
            .charge_others(calls.len())
            .and_then(|()| admitted.denied(visit.now));
        if let Err(refusal) = let_in {
            return refusal.into_answer(None);
        }
        let routes: Vec<_> = calls
            .iter()
            .map(|call| self.route(revision, call))
            .collect();
        if let Err(refusal) = decide(admitted, routes.iter().filter_map(Route::demands)) {
            return refusal.into_answer(None);
        }
        let mut answers = Vec::new();
        for (call, route) in calls.into_iter().zip(routes) {
            // Those before it may have taken longer than the token lives.
            let visit = &Visit {
                now: self.now(),
                ..*visit
            };
            let answer = match self.begin(visit, revision, call, route) {
                Err(refusal) => return refusal.into_answer(None),
                Ok(Begun::Answered(answer)) => answer,
                Ok(Begun::Runs(run, kind)) => match visit.settled(run).await {
                    Ok(reply) => finished(revision, call.id, reply, kind),
                    Err(refusal) => return refusal.into_answer(None),
                },
            };
            answers.push(answer.body);
        }
        let body = format!("[{}]", answers.join(","));
        let status = StatusCode::OK;
        answered(Answer { status, body }, Accepts::of(visit.headers))
    }
}

/// Whether all of a batch may run: who lacks something is asked for what all of it needs.
fn decide(admitted: &Admitted, demands: impl Iterator<Item = Demands>) -> Result<(), Refusal> {
    let (mut lacking, mut met) = (Vec::new(), Vec::new());
    let mut is_met = true;
    for demand in demands {
        let met_here = (demand.is_met)(admitted);
        is_met &= met_here;
        (demand.challenge)(if met_here { &mut met } else { &mut lacking });
    }
    if is_met {
        return Ok(());
    }
    Err(admitted.lacks(lacking, &met))
}

/// A call after its checks.
enum Begun {
    Answered(Answer),
    /// It runs.
    Runs(Run, Kind),
}

fn streamed(
    visit: &Visit<'_>,
    revision: Revision,
    call: &Call<'_>,
    work: Work,
    kind: Kind,
) -> Response {
    let id = call.id.to_owned();
    let events = work.events(
        call.progress_token(),
        || visit.admitted.wake_up(),
        move |reply| finished(revision, &id, reply, kind).body,
    );
    as_events(Body::from_stream(events))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let only = values.next().filter(|_| values.next().is_none());
    let value = only
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// A notification or an answer: nothing is run for it, but it needs a valid token that nothing
/// denies.
fn accepted(visit: &Visit<'_>) -> Response {
    if let Err(refusal) = visit.admitted.authorize::<()>(visit.now) {
        return refusal.into_answer(None);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let uncached = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, uncached);
    response
}
