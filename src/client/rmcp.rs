//! The client of `rmcp`, authorized (features `client` and `rmcp-3`, `rmcp` 3.9 or newer).
//!
//! [`AuthorizedClient`] goes around what `rmcp` sends its HTTP requests with, and does for it what
//! [`layer`](super::layer) does for other HTTP clients.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use ::rmcp::model::ClientJsonRpcMessage;
use ::rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use futures_core::Stream;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, HeaderValue};
use sse_stream::Sse;

use super::Challenge;
use super::layer::{Access, AccessError, Ticket};

type Failure<C> = StreamableHttpError<<C as StreamableHttpClient>::Error>;
type Events = Pin<Box<dyn Stream<Item = Result<Sse, SseError>> + Send>>;
type Fields = HashMap<HeaderName, HeaderValue>;

/// An HTTP client for transports of `rmcp` whose requests to the endpoint have a token.
///
/// What [`Access`] cannot do anything about comes as
/// [`StreamableHttpError::Io`] with an [`AccessError`] in it; what the endpoint refuses for good comes as the
/// client inside told it. `auth_header` in the transport's configuration is for other endpoints only.
///
/// # What `rmcp` does not tell
/// An answer 401 without `WWW-Authenticate`, and field lines after the first. The JSON answers are bounded as
/// the client inside bounds them by default.
///
/// # Security
/// `rmcp` takes tokens as a `String`, which it does not wipe from memory. The client inside must follow no
/// redirects: it would carry the token along, to other paths of the host.
///
/// # Examples
/// ```no_run
/// use clearance::client::Client;
/// use clearance::client::layer::{Access, AuthorizationCode, LoopbackLogin};
/// use clearance::client::rmcp::AuthorizedClient;
/// use rmcp::ServiceExt as _;
/// use rmcp::transport::StreamableHttpClientTransport;
/// use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = "https://mcp.example.com/mcp";
/// let client = Client::builder(endpoint.parse()?).name("Editor").build()?;
/// let access = Access::builder(client, AuthorizationCode::by(LoopbackLogin::new())).build();
///
/// // One that follows redirects carries the token along, to other paths of the host.
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let http = AuthorizedClient::new(access, http);
/// let config = StreamableHttpClientTransportConfig::with_uri(endpoint);
/// let peer = ().serve(StreamableHttpClientTransport::with_client(http, config)).await?;
/// # let _ = peer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthorizedClient<C> {
    access: Access,
    inner: C,
}

impl<C> AuthorizedClient<C> {
    /// Sends with `inner`, and the tokens of `access`.
    pub const fn new(access: Access, inner: C) -> Self {
        Self { access, inner }
    }
}

impl<C: StreamableHttpClient + Sync> AuthorizedClient<C> {
    /// Calls with a token, and again if there is a better one. `given` is for other endpoints.
    async fn run<T, F>(
        &self,
        uri: &str,
        given: Option<String>,
        call: impl Fn(Option<String>) -> F,
    ) -> Result<T, Failure<C>>
    where
        F: Future<Output = Result<T, Failure<C>>>,
    {
        if !self.access.is_for_text(uri) {
            return call(given).await;
        }
        let mut ticket = self.access.ticket().await.map_err(told)?;
        let mut refusals = 0_u8;
        loop {
            let next = match call(text(&ticket)).await {
                Err(StreamableHttpError::AuthRequired(error)) => {
                    refusals = refusals.saturating_add(1);
                    if !ticket.may_be_replaced(refusals) {
                        return Err(StreamableHttpError::AuthRequired(error));
                    }
                    let challenge = challenge(&error.www_authenticate_header);
                    self.access.refused(&ticket, challenge).await
                }
                Err(StreamableHttpError::InsufficientScope(error)) => {
                    let challenge = challenge(&error.www_authenticate_header);
                    if !challenge.is_insufficient_scope() {
                        return Err(StreamableHttpError::InsufficientScope(error));
                    }
                    match self.access.step_up(&ticket, challenge).await {
                        Err(AccessError::InsufficientScope) => {
                            return Err(StreamableHttpError::InsufficientScope(error));
                        }
                        next => next,
                    }
                }
                done => return done,
            };
            ticket = next.map_err(told)?;
        }
    }
}

impl<C: StreamableHttpClient + Sync> StreamableHttpClient for AuthorizedClient<C> {
    type Error = C::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Fields,
    ) -> Result<StreamableHttpPostResponse, Failure<C>> {
        self.run(&uri, auth_header, |token| {
            let (uri, message) = (Arc::clone(&uri), message.clone());
            let (session, headers) = (session_id.clone(), custom_headers.clone());
            self.inner
                .post_message(uri, message, session, token, headers)
        })
        .await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Fields,
        most: usize,
    ) -> Result<StreamableHttpPostResponse, Failure<C>> {
        self.run(&uri, auth_header, |token| {
            let (uri, message) = (Arc::clone(&uri), message.clone());
            let (session, headers) = (session_id.clone(), custom_headers.clone());
            let inner = &self.inner;
            inner.post_message_with_max_sse_event_size(uri, message, session, token, headers, most)
        })
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        custom_headers: Fields,
    ) -> Result<(), Failure<C>> {
        self.run(&uri, auth_header, |token| {
            let (uri, session) = (Arc::clone(&uri), Arc::clone(&session_id));
            let headers = custom_headers.clone();
            self.inner.delete_session(uri, session, token, headers)
        })
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Fields,
    ) -> Result<Events, Failure<C>> {
        self.run(&uri, auth_header, |token| {
            let (uri, session) = (Arc::clone(&uri), session_id.clone());
            let (last, headers) = (last_event_id.clone(), custom_headers.clone());
            self.inner.get_stream(uri, session, last, token, headers)
        })
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Fields,
        most: usize,
    ) -> Result<Events, Failure<C>> {
        self.run(&uri, auth_header, |token| {
            let (uri, session) = (Arc::clone(&uri), session_id.clone());
            let (last, headers) = (last_event_id.clone(), custom_headers.clone());
            let inner = &self.inner;
            inner.get_stream_with_max_sse_event_size(uri, session, last, token, headers, most)
        })
        .await
    }
}

/// The token, as `rmcp` takes it: without its scheme.
fn text(ticket: &Ticket) -> Option<String> {
    let header = ticket.header.as_ref()?.to_str().ok()?;
    header.strip_prefix("Bearer ").map(str::to_owned)
}

fn challenge(value: &str) -> Challenge {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
    Challenge::from_headers(&headers)
}

fn told<E: std::error::Error + Send + Sync + 'static>(
    error: AccessError,
) -> StreamableHttpError<E> {
    StreamableHttpError::Io(io::Error::other(error))
}
