//! Refusals and errors as HTTP answers.

use std::cell::RefCell;

use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::collect::Unread;
use crate::id::CorrelationId;
use crate::mcp::error::{Fault, INVALID_REQUEST};
use crate::refusal::Refusal;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.into_answer(None)
    }
}

impl Refusal {
    /// The answer to a request whose id may be known.
    pub(super) fn into_answer<B: From<String>>(self, id: Option<&str>) -> http::Response<B> {
        let mut response = json(self.status(), self.body_for(id));
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in [
            (&RATE_LIMIT, self.rate_limit()),
            (&RATE_LIMIT_POLICY, self.rate_limit_policy()),
        ] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        if let Some(correlation) = self.correlation_id() {
            correlate(headers, correlation);
        }
        response
    }
}

/// `RateLimit`.
static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// `RateLimit-Policy`.
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Where an answer names its request.
static CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// Writes down which request is answered.
pub(super) fn correlate(headers: &mut HeaderMap, correlation: CorrelationId) {
    // Digits are visible ASCII.
    if let Some(value) = shared(correlation.as_str()) {
        headers.insert(&CORRELATION, value);
    }
}

/// A short value of a header field.
pub(super) fn shared(text: &str) -> Option<HeaderValue> {
    thread_local! {
        /// Many values share one buffer, which is used again when the messages with them are gone.
        static BUFFER: RefCell<BytesMut> = RefCell::default();
    }
    let text = BUFFER.with_borrow_mut(|buffer| {
        if buffer.capacity() < text.len() {
            buffer.reserve(text.len().max(4_096));
        }
        buffer.extend_from_slice(text.as_bytes());
        buffer.split().freeze()
    });
    HeaderValue::from_maybe_shared(text).ok()
}

/// JSON that nobody may store: it is for one caller.
pub(super) fn json<B: From<String>>(status: StatusCode, body: String) -> http::Response<B> {
    let mut response = http::Response::new(B::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer to what is answered with nothing.
pub(super) fn accepted<B: Default>() -> http::Response<B> {
    let mut response = http::Response::new(B::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    let uncached = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, uncached);
    response
}

/// An error of the protocol.
pub(super) fn faulty<B: From<String>>(status: StatusCode, fault: &Fault<'_>) -> http::Response<B> {
    json(status, fault.body())
}

/// An error about a request of which no message was read.
pub(super) fn unread<B: From<String>>(
    status: StatusCode,
    message: &'static str,
    request: Option<CorrelationId>,
) -> http::Response<B> {
    let fault = Fault::new(None, INVALID_REQUEST, message);
    let fault = match request {
        Some(request) => fault.about(request),
        None => fault,
    };
    faulty(status, &fault)
}

impl Unread {
    pub(super) fn into_answer<B: From<String>>(
        self,
        request: Option<CorrelationId>,
    ) -> http::Response<B> {
        let (status, message) = match self {
            Self::Broken => (StatusCode::BAD_REQUEST, "the body cannot be read"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
        };
        unread(status, message, request)
    }
}

/// Refuses a body of which others could read something else than the JSON that is decided about.
///
/// `may_be_encoded` says whether there may be a field about its encoding.
pub(super) fn check_media_type(
    headers: &HeaderMap,
    may_be_encoded: bool,
) -> Result<(), &'static str> {
    if !is_json(headers) {
        return Err("the body must be application/json");
    }
    if !may_be_encoded {
        return Ok(());
    }
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let mut encoded = encodings.filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded.next().is_some() {
        return Err("the body must not be encoded");
    }
    Ok(())
}

/// JSON in UTF-8, which is the only encoding that it has (RFC 8259 section 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let only = values.next().filter(|_| values.next().is_none());
    if only.is_some_and(|value| value == "application/json") {
        return true;
    }
    let value = only
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let is_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => charset
            .trim()
            .trim_matches('"')
            .eq_ignore_ascii_case("utf-8"),
        // `charset*` is another spelling of it (RFC 8187).
        Some((name, _)) => !name.trim().to_ascii_lowercase().starts_with("charset"),
        None => true,
    };
    kind.eq_ignore_ascii_case("application/json") && parts.all(is_utf8)
}
