//! How answers are written.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::endpoint::LISTS;
use super::reply::Reply;
use super::stream::event;
use crate::mcp::Kind;
use crate::mcp::error::{INTERNAL, INVALID_PARAMS, error_body, result_body};
use crate::mcp::method::{Named as _, ResourcesRead};
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

/// For whom a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// For the caller alone: what one may see or read is not another's.
    Caller,
    /// As the handler says.
    Said,
}

impl Audience {
    pub(super) fn of(kind: Kind, method: &str) -> Self {
        if kind == Kind::Resource || method == ResourcesRead.name() || LISTS.contains(&method) {
            Self::Caller
        } else {
            Self::Said
        }
    }
}

/// The members of a result, with what says that nobody else may have it, whatever they say themselves.
fn uncached(mut members: String) -> String {
    const SAYS: [&str; 3] = ["cacheScope", "ttlMs", "\\u"];
    if SAYS.iter().any(|word| members.contains(word))
        && let Ok(Value::Object(mut said)) = serde_json::from_str(&format!("{{{members}}}"))
    {
        said.insert("cacheScope".to_owned(), "private".into());
        said.entry("ttlMs").or_insert_with(|| 0.into());
        let said = Value::Object(said).to_string();
        let inside = said
            .strip_prefix('{')
            .and_then(|said| said.strip_suffix('}'));
        return inside.unwrap_or_default().to_owned();
    }
    if members.is_empty() {
        return UNCACHED.trim_start_matches(',').to_owned();
    }
    members.push_str(UNCACHED);
    members
}

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
pub(super) fn finished(revision: Revision, id: &str, reply: Reply, audience: Audience) -> Answer {
    match reply {
        Reply::Done(mut members) => {
            if revision.is_modern() && audience == Audience::Caller {
                members = uncached(members);
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
    json(status, body)
}

pub(super) fn allowing(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    let allowed = HeaderValue::from_static("POST, OPTIONS");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RS-144: also where a handler serves the list by itself, on every page.
    #[test]
    fn a_list_is_for_its_caller_whatever_its_handler_says() {
        let done = |members: &str, method| {
            let reply = Reply::Done(members.to_owned());
            let audience = Audience::of(Kind::Method, method);
            finished(Revision::July2026, "1", reply, audience).body
        };
        for members in [
            "",
            r#""tools":[]"#,
            r#""tools":[],"cacheScope":"public","ttlMs":60000"#,
            r#""tools":[],"nextCursor":"2","c\u0061cheScope":"public""#,
        ] {
            let body: Value = serde_json::from_str(&done(members, "tools/list")).unwrap();
            assert_eq!(body["result"]["cacheScope"], "private", "{members}");
        }
        let public = done(r#""cacheScope":"public""#, "example/index");
        assert!(public.contains(r#""cacheScope":"public""#), "{public}");
    }
}
