//! What the browser is answered. Nothing of a request is in it.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

const PAGE: &str = include_str!("page.html");

/// The page has one style and nothing else, so nothing else is allowed.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = PAGE.split_once("<style>").map_or("", |(_, after)| after);
    let style = style.split_once("</style>").map_or("", |(style, _)| style);
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, style.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'none'; frame-ancestors 'none'; \
         base-uri 'none'"
    )
});

/// Sends the person back to the application.
pub(super) fn page() -> Response<Full<Bytes>> {
    let mut response = of(
        StatusCode::OK,
        Bytes::from_static(PAGE.as_bytes()),
        "text/html; charset=utf-8",
    );
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Refuses, with a line of text.
pub(super) fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let text = status.canonical_reason().unwrap_or_default();
    let mut response = of(
        status,
        Bytes::from_static(text.as_bytes()),
        "text/plain; charset=utf-8",
    );
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

fn of(status: StatusCode, body: Bytes, content_type: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        // The address has the code in it.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
