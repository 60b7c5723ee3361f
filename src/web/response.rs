//! A [`Refusal`] as an HTTP answer.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::refusal::Refusal;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body::from(self.body());
        self.answer(body)
    }
}

impl Refusal {
    /// The answer to a request whose id is known.
    pub(super) fn into_answer(self, id: Option<&str>) -> Response {
        let body = Body::from(self.body_for(id));
        self.answer(body)
    }

    fn answer(&self, body: Body) -> Response {
        let mut response = json(self.status(), body);
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// JSON that nobody may store: it is for one caller.
pub(super) fn json(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
