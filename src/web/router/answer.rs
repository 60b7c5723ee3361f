//! How answers are written.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::reply::Reply;
use super::stream::event;
use crate::mcp::Kind;
use crate::mcp::error::{Fault, INTERNAL, INVALID_PARAMS, error_body, result_body};
use crate::mcp::revision::Revision;
use crate::web::response::json;

/// What is answered to one call.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

/// What a client can read.
#[derive(Clone, Copy)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepts {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut accepts = Self {
            json: !headers.contains_key(ACCEPT),
            events: false,
        };
        let values = headers.get_all(ACCEPT).iter();
        let ranges = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim());
        for range in ranges {
            let is = |name| range.eq_ignore_ascii_case(name);
            accepts.json |= is("application/json") || is("application/*") || is("*/*");
            accepts.events |= is("text/event-stream");
        }
        accepts
    }
}

/// The status of an error about what a call names: part of the transport since 2026-07-28.
pub(super) const fn in_band(revision: Revision) -> StatusCode {
    if revision.is_modern() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    }
}

/// More members of a result, which says that nobody else may have it.
pub(super) const UNCACHED: &str = r#","ttlMs":0,"cacheScope":"private""#;

/// The result of a call.
pub(super) fn succeeded(revision: Revision, id: &str, members: &str) -> Answer {
    const COMPLETE: &str = r#""resultType":"complete""#;
    const COMPLETE_AND: &str = r#""resultType":"complete","#;
    let first = match members {
        _ if !revision.is_modern() || has_type(members) => "",
        "" => COMPLETE,
        _ => COMPLETE_AND,
    };
    Answer {
        status: StatusCode::OK,
        body: result_body(id, first, members),
    }
}

/// Whether a handler has said itself what kind of result it gives.
fn has_type(members: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Typed {
        #[serde(rename = "resultType")]
        _kind: serde::de::IgnoredAny,
    }
    members.contains(r#""resultType""#)
        && serde_json::from_str::<Typed>(&format!("{{{members}}}")).is_ok()
}

/// How a call ended.
pub(super) fn finished(revision: Revision, id: &str, reply: Reply, kind: Kind) -> Answer {
    match reply {
        Reply::Done(mut members) => {
            // What one caller may read is not another's.
            if revision.is_modern() && kind == Kind::Resource {
                members.push_str(UNCACHED);
            }
            succeeded(revision, id, &members)
        }
        Reply::Failed(error) => Answer {
            status: match error.code() {
                INVALID_PARAMS => in_band(revision),
                _ => StatusCode::OK,
            },
            body: error_body(Some(id), error.code(), error.message(), None),
        },
        // A stream in a stream: nobody makes one.
        Reply::Streams(_) => Answer {
            status: StatusCode::OK,
            body: error_body(Some(id), INTERNAL, "no result", None),
        },
    }
}

pub(super) fn as_events(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    let uncached = HeaderValue::from_static("no-store, no-transform");
    headers.insert(CACHE_CONTROL, uncached);
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    response
}

pub(super) fn answered(answer: Answer, accepts: Accepts) -> Response {
    let Answer { status, body } = answer;
    if status == StatusCode::OK && accepts.events && !accepts.json {
        return as_events(Body::from(event(&body)));
    }
    json(status, Body::from(body))
}

pub(super) fn faulty(status: StatusCode, fault: &Fault<'_>) -> Response {
    json(status, Body::from(fault.body()))
}

pub(super) fn allowing(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    let allowed = HeaderValue::from_static("POST, OPTIONS");
    response.headers_mut().insert(ALLOW, allowed);
    response
}
