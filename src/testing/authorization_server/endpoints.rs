//! From a request to its endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use tokio::time;

use super::super::fault::Document;
use super::error::OAuthError;
use super::fault::{self, ServerFault};
use super::parameters::Parameters;
use super::record::{self, RecordedRequest};
use super::site::Site;
use super::{
    answer, authorize, client, consent, introspection, metadata, page, registration, revocation,
    token,
};

/// More than any request here needs.
const MOST_BODY: usize = 16 * 1024;
const LONGEST_QUERY: usize = 16 * 1024;

/// How long the body of a request may take. Whoever sends half of one would else keep a part of the
/// server for ever, after its handle is gone.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Authorize,
    Consent,
    Index,
    Introspect,
    Jwks,
    Metadata,
    Nowhere,
    Register,
    Revoke,
    Token,
}

pub(super) fn router(site: Arc<Site>) -> Router {
    Router::new().fallback(serve).with_state(site)
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

async fn serve(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if !is_for_this_server(&site, &head) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let endpoint = Endpoint::at(&site, head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let body = match read(body).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    if query.len() > LONGEST_QUERY {
        return StatusCode::URI_TOO_LONG.into_response();
    }
    let record = endpoint.record(&head, &body);
    site.state().records.add(record);
    let mut response = endpoint.answer(&site, &head, &body);
    // Whoever waits for it knows that a token is revoked before the client knows it.
    site.tell_what_was_revoked();
    // A preflight is the browser's question, and not about the document.
    let fault = endpoint.fault(&site);
    if let Some(fault) = fault.filter(|_| head.method != Method::OPTIONS) {
        response = fault::apply(&fault, response).await;
    }
    if endpoint.is_open_to_scripts() {
        answer::open_to_scripts(&mut response);
    }
    response
}

/// The body of a request, unless it is too long in size or in time.
async fn read(body: Body) -> Result<Bytes, StatusCode> {
    match time::timeout(PATIENCE, to_bytes(body, MOST_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Whether a request names this machine as its host. A name of somebody else that leads here is an
/// attempt to read the consent page as if it were that somebody's (DNS rebinding).
fn is_for_this_server(site: &Site, head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = match (head.uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return false,
    };
    let own = site.origin.strip_prefix("http://").unwrap_or_default();
    let port = site.port;
    let is_named = |name: &str| host == format!("{name}:{port}") || (port == 80 && host == name);
    host == own
        || ["127.0.0.1", "[::1]", "localhost"]
            .into_iter()
            .any(is_named)
}

impl Endpoint {
    fn at(site: &Site, path: &str) -> Self {
        if Document::at(path, site.folder()).next().is_some() {
            return Self::Metadata;
        }
        match path.strip_prefix(site.folder()) {
            Some("" | "/") => Self::Index,
            Some("/authorize") => Self::Authorize,
            Some("/consent") => Self::Consent,
            Some("/introspect") => Self::Introspect,
            Some("/jwks") => Self::Jwks,
            Some("/register") => Self::Register,
            Some("/revoke") => Self::Revoke,
            Some("/token") => Self::Token,
            Some(_) | None => Self::Nowhere,
        }
    }

    /// Whether a script in a browser may read what this endpoint answers. What it answers to the
    /// user stays with the user.
    fn is_open_to_scripts(self) -> bool {
        match self {
            Self::Jwks | Self::Metadata | Self::Register | Self::Revoke | Self::Token => true,
            Self::Authorize | Self::Consent | Self::Index | Self::Introspect | Self::Nowhere => {
                false
            }
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Authorize | Self::Index | Self::Jwks | Self::Metadata | Self::Nowhere => "GET",
            Self::Consent | Self::Introspect | Self::Register | Self::Revoke | Self::Token => {
                "POST"
            }
        }
    }

    /// The media type of the bodies that this endpoint takes.
    fn media_type(self) -> &'static str {
        match self {
            Self::Register => JSON,
            Self::Authorize
            | Self::Consent
            | Self::Index
            | Self::Introspect
            | Self::Jwks
            | Self::Metadata
            | Self::Nowhere
            | Self::Revoke
            | Self::Token => FORM,
        }
    }

    /// What may be remembered of a request. What stands in a body that is not what it should be,
    /// nobody knows.
    fn record(self, head: &Parts, body: &[u8]) -> RecordedRequest {
        let (method, path) = (head.method.as_str(), head.uri.path());
        if head.method != Method::POST {
            let query = head.uri.query().unwrap_or_default();
            return record::of_form(method, path, query.as_bytes());
        }
        match self.media_type() {
            wanted if !is_of_type(&head.headers, wanted) => record::of_form(method, path, b""),
            JSON => record::of_json(method, path, body),
            _ => record::of_form(method, path, body),
        }
    }

    fn fault(self, site: &Site) -> Option<super::super::fault::Fault> {
        let state = site.state();
        match self {
            Self::Introspect => Some(state.introspection_fault.clone()),
            Self::Jwks => Some(state.jwks_fault.clone()),
            Self::Metadata => Some(state.metadata_fault.clone()),
            Self::Token => Some(state.token_fault.clone()),
            Self::Authorize
            | Self::Consent
            | Self::Index
            | Self::Nowhere
            | Self::Register
            | Self::Revoke => None,
        }
    }

    fn answer(self, site: &Site, head: &Parts, body: &[u8]) -> Response {
        if self.is_open_to_scripts() && head.method == Method::OPTIONS {
            return answer::preflight();
        }
        let allowed = self.method();
        let is_head = head.method == Method::HEAD && allowed == "GET";
        if head.method.as_str() != allowed && !is_head && self != Self::Nowhere {
            return answer::wrong_method(allowed);
        }
        let headers = &head.headers;
        match self {
            Self::Authorize => {
                let query = head.uri.query().unwrap_or_default();
                authorize::begin(site, headers, &Parameters::parse(query.as_bytes()))
            }
            Self::Consent => match form(head, body) {
                Ok(form) => consent::decide(site, headers, &form),
                Err(error) => page::failure(StatusCode::BAD_REQUEST, error.description),
            },
            Self::Index => page::index(site),
            Self::Introspect => answer_client(site, head, body, introspection::introspect),
            Self::Jwks => metadata::jwks(site),
            Self::Metadata => metadata::document(site),
            Self::Nowhere => StatusCode::NOT_FOUND.into_response(),
            Self::Register if site.has_fault(&ServerFault::RefuseRegistration) => {
                registration::refusal().into_response()
            }
            Self::Register if !is_of_type(headers, JSON) => {
                OAuthError::request("a registration is application/json").into_response()
            }
            Self::Register => registration::register(site, body),
            Self::Revoke => answer_client(site, head, body, revocation::revoke),
            Self::Token => answer_client(site, head, body, token::token),
        }
    }
}

/// The endpoints that a client calls with a form and with its credentials.
fn answer_client(
    site: &Site,
    head: &Parts,
    body: &[u8],
    answer: impl FnOnce(&Site, &client::Client, &Parameters) -> Result<Response, OAuthError>,
) -> Response {
    let answered = form(head, body).and_then(|form| {
        let client = client::authenticate(site, &head.headers, &form)?;
        answer(site, &client, &form)
    });
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// The form in a body, each parameter once and nothing in the query (RFC 6749 sections 2.3.1
/// and 3.2).
fn form(head: &Parts, body: &[u8]) -> Result<Parameters, OAuthError> {
    if !is_of_type(&head.headers, FORM) {
        let reason = "the body is application/x-www-form-urlencoded";
        return Err(OAuthError::request(reason));
    }
    if head.uri.query().is_some() {
        let reason = "parameters stand in the body, not in the query";
        return Err(OAuthError::request(reason));
    }
    let form = Parameters::parse(body);
    if form.repeat() {
        return Err(OAuthError::request("a parameter stands twice"));
    }
    Ok(form)
}

fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return false;
    };
    let essence = field.to_str().unwrap_or_default().split(';').next();
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(media_type))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    /// A body of which no more comes.
    struct Half;

    impl http_body::Body for Half {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_the_rest_of_a_body() {
        let ended = time::timeout(PATIENCE * 2, read(Body::new(Half))).await;
        assert_eq!(ended, Ok(Err(StatusCode::REQUEST_TIMEOUT)));
        let whole = read(Body::from("a=1")).await;
        assert_eq!(whole.as_deref(), Ok(&b"a=1"[..]));
        let long = read(Body::from(vec![b'x'; MOST_BODY + 1])).await;
        assert_eq!(long, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
