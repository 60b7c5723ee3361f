//! What is answered before anybody asks for a credential.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, CONTENT_TYPE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};

use super::decide::{Own, Page};
use super::fields::Fields;
use super::gate::Source;
use super::{Shared, cors};
use crate::audit::ReasonCode;
use crate::guard::Tenancy;
use crate::id::CorrelationId;
use crate::refusal::Reason;
use crate::web::response::unread;

/// An answer that needs no credential.
pub(super) struct Early {
    pub(super) answer: Own,
    pub(super) page: Page,
    /// Why it is a refusal, if it is one.
    pub(super) reason: Option<ReasonCode>,
}

/// The reason of a 405.
pub(super) const NO_SUCH_METHOD: ReasonCode = ReasonCode::MethodNotAllowed;

impl Shared {
    /// What needs no credential: whether the request may come in, and answers that are for everybody.
    pub(super) fn receive(
        &self,
        parts: &Parts,
        fields: Fields,
        request: CorrelationId,
    ) -> Result<Page, Early> {
        let gate = self.gate.check(parts, fields);
        // Pages of any origin may read them.
        let is_public = match gate {
            Ok(_) => true,
            Err(Reason::ForeignOrigin) => self.gate.is_encrypted(parts),
            Err(_) => false,
        };
        if is_public && let Some(answer) = self.document(parts) {
            let is_refusal = answer.status().is_client_error();
            let reason = is_refusal.then_some(ReasonCode::NoSuchDocument);
            if let Some(reason) = reason {
                self.guard.faulty(reason, request);
            }
            return Err(Early {
                answer: Box::new(answer),
                page: None,
                reason,
            });
        }
        let page = match gate {
            Ok(Source::None) => None,
            Ok(Source::Allowed(origin)) => Some(origin.clone()),
            Err(reason) => {
                let refusal = self.guard.refuses(reason, request);
                let reason = Some(refusal.reason().code());
                return Err(Early {
                    answer: Box::new(refusal.into_answer(None)),
                    page: None,
                    reason,
                });
            }
        };
        if parts.method == Method::OPTIONS {
            let asks = parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
            let answer = cors::preflight(self.methods(), &parts.headers, asks && page.is_some());
            return Err(Early {
                answer: Box::new(answer),
                page,
                reason: None,
            });
        }
        let is_bodiless = matches!(parts.method, Method::GET | Method::DELETE);
        if is_bodiless && !self.has_sessions() && !self.is_old_stream(parts) {
            self.guard.faulty(NO_SUCH_METHOD, request);
            return Err(Early {
                answer: self.no_such_method(request),
                page,
                reason: Some(NO_SUCH_METHOD),
            });
        }
        Ok(page)
    }

    fn document(&self, parts: &Parts) -> Option<Response<Bytes>> {
        let path = parts.uri.path();
        let mut at_path = self
            .documents
            .iter()
            .filter(|of| of.path() == path && Tenancy::admits(&parts.extensions, &self.guard))
            .peekable();
        at_path.peek()?;
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            if parts.method == Method::OPTIONS {
                return None;
            }
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let methods = HeaderValue::from_static("GET, HEAD");
            answer.headers_mut().insert(ALLOW, methods);
            return Some(answer);
        }
        let found = at_path.find(|document| document.query() == parts.uri.query());
        let Some(document) = found else {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::NOT_FOUND;
            return Some(answer);
        };
        let is_head = parts.method == Method::HEAD;
        let body = if is_head { "" } else { document.body() };
        let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
        for (name, value) in [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, crate::web::routes::CACHE),
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ] {
            answer
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        Some(answer)
    }

    fn has_sessions(&self) -> bool {
        self.served.iter().any(|revision| !revision.is_modern())
    }

    pub(super) fn is_old_stream(&self, parts: &Parts) -> bool {
        let sse = self.sse.as_ref();
        parts.method == Method::GET && sse.is_some_and(|sse| sse.is_stream(parts.uri.path()))
    }

    fn methods(&self) -> &'static str {
        if self.has_sessions() || self.sse.is_some() {
            "POST, GET, DELETE, OPTIONS"
        } else {
            "POST, OPTIONS"
        }
    }

    pub(super) fn no_such_method(&self, request: CorrelationId) -> Own {
        let mut answer: Response<Bytes> = unread(
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not served here",
            Some(request),
        );
        let methods = HeaderValue::from_static(self.methods());
        answer.headers_mut().insert(ALLOW, methods);
        Box::new(answer)
    }
}
