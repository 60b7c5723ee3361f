//! Answers for pages of other origins (Fetch standard, section CORS protocol).

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

const ASKS_WITH: &str = "Authorization, DPoP, Content-Type, MCP-Protocol-Version, Mcp-Method, \
    Mcp-Name, Mcp-Session-Id, Last-Event-ID, traceparent";

const MAY_READ: &str = "WWW-Authenticate, DPoP-Nonce, Mcp-Session-Id, Retry-After, RateLimit, \
    RateLimit-Policy, X-Correlation-Id";

/// The answer to a preflight, which has no credentials; nothing is let in by it.
pub(super) fn preflight(
    methods: &'static str,
    asked: &HeaderMap,
    is_from_page: bool,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(methods));
    if is_from_page {
        let methods = HeaderValue::from_static(methods);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asks_with(asked));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// The fields that a page may send: those of the protocol, and of those that it asks for the ones that
/// repeat arguments (MCP 2026-07-28, `x-mcp-header`).
fn asks_with(asked: &HeaderMap) -> HeaderValue {
    let values = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    let mut all = ASKS_WITH.to_owned();
    for name in names.filter(|name| name.as_str().starts_with("mcp-param-")) {
        all.push_str(", ");
        all.push_str(name.as_str());
    }
    HeaderValue::try_from(all).unwrap_or(HeaderValue::from_static(ASKS_WITH))
}

/// Lets a page of this origin read the answer. There is no wildcard, and no word of cookies.
pub(super) fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let may_read = HeaderValue::from_static(MAY_READ);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, may_read);
    headers.append(VARY, HeaderValue::from(ORIGIN));
}
