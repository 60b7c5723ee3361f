//! The forms of answers, and the header fields that each of them needs.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

/// Puts constant fields into an answer.
pub(super) fn set(headers: &mut HeaderMap, fields: &[(HeaderName, &'static str)]) {
    for (name, value) in fields {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A document that everybody may read. It does not say how long it may be kept.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    set(
        response.headers_mut(),
        &[
            (header::CONTENT_TYPE, "application/json"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
    );
    response
}

/// An answer that nobody may keep (RFC 6749 section 5.1).
pub(super) fn secret_json(status: StatusCode, body: &Value) -> Response {
    let mut response = json(status, body.to_string());
    set(
        response.headers_mut(),
        &[
            (header::CACHE_CONTROL, "no-store"),
            (header::PRAGMA, "no-cache"),
        ],
    );
    response
}

/// Sends the browser on with GET, whatever it came with (RFC 9700 section 4.12).
pub(super) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    set(
        headers,
        &[
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
        ],
    );
    response
}

/// Lets scripts of any site read the answer: for what holds no secret of the browser's user.
pub(super) fn open_to_scripts(response: &mut Response) {
    set(
        response.headers_mut(),
        &[
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "www-authenticate"),
        ],
    );
}

/// The answer to a preflight (Fetch section 4.8).
pub(super) fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(
        response.headers_mut(),
        &[
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            // `*` does not include `Authorization`.
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "*, authorization"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ],
    );
    response
}

/// A request with another method than those in `allowed`.
pub(super) fn wrong_method(allowed: &'static str) -> Response {
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    set(response.headers_mut(), &[(header::ALLOW, allowed)]);
    response
}
