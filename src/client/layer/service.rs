//! The layer.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use tower::{Layer, Service};

use super::access::Access;
use super::error::{AccessError, LayerError};
use super::held::Ticket;
use super::request::{IncomingResponse, OutgoingRequest};
use crate::client::Challenge;

/// Puts the tokens of an [`Access`] on requests.
///
/// It goes around any service that takes requests of `http` or of `reqwest`; `reqwest::Client` is such a
/// service. What follows redirects belongs *around* the layer, not inside: inside, it carries the token
/// along. A client of `reqwest` follows none with `redirect::Policy::none()`.
///
/// # Examples
/// ```
/// use clearance::client::Client;
/// use clearance::client::layer::{Access, AuthorizationCode, LoopbackLogin};
/// use tower::Layer as _;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("https://mcp.example.com/mcp".parse()?).name("Editor").build()?;
/// let access = Access::builder(client, AuthorizationCode::by(LoopbackLogin::new())).build();
///
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// // A `tower::Service<reqwest::Request>`.
/// let authorized = access.layer().layer(http);
/// # let _ = authorized;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AccessLayer {
    access: Access,
}

/// A service whose requests to the endpoint are authorized; see [`AccessLayer`].
#[derive(Clone, Debug)]
pub struct AccessService<S> {
    access: Access,
    inner: S,
}

impl AccessLayer {
    pub(super) const fn new(access: Access) -> Self {
        Self { access }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> AccessService<S> {
        let access = self.access.clone();
        AccessService { access, inner }
    }
}

impl<S, R> Service<R> for AccessService<S>
where
    S: Service<R, Response: IncomingResponse + Send, Error: Send, Future: Send>
        + Clone
        + Send
        + 'static,
    R: OutgoingRequest + 'static,
{
    type Response = S::Response;
    type Error = LayerError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, LayerError<S::Error>>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(LayerError::Service)
    }

    fn call(&mut self, mut request: R) -> Self::Future {
        if !self.access.is_for(request.target()) {
            let answer = self.inner.call(request);
            return Box::pin(async move { answer.await.map_err(LayerError::Service) });
        }
        // There is one token for this endpoint, and it is ours.
        request.headers_mut().remove(AUTHORIZATION);
        // The service that is ready is the one that is called.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        let access = self.access.clone();
        Box::pin(run(access, inner, request))
    }
}

async fn run<S, R>(
    access: Access,
    mut inner: S,
    request: R,
) -> Result<S::Response, LayerError<S::Error>>
where
    S: Service<R, Response: IncomingResponse>,
    R: OutgoingRequest,
{
    let mut ticket = access.ticket().await?;
    let again = request.replay();
    let mut response = send(&mut inner, request, &ticket).await?;
    let mut refusals = 0_u8;
    loop {
        let next = match response.status() {
            StatusCode::UNAUTHORIZED => {
                refusals = refusals.saturating_add(1);
                if !ticket.may_be_replaced(refusals) {
                    return Err(AccessError::Unauthorized.into());
                }
                let challenge = Challenge::from_headers(response.headers());
                // The connection is free for others then.
                drop(response);
                access.refused(&ticket, challenge).await?
            }
            StatusCode::FORBIDDEN => {
                let challenge = Challenge::from_headers(response.headers());
                if !challenge.is_insufficient_scope() {
                    return Ok(response);
                }
                drop(response);
                access.step_up(&ticket, challenge).await?
            }
            _ => return Ok(response),
        };
        let request = again.as_ref().and_then(R::replay);
        let request = request.ok_or(AccessError::NotReplayable)?;
        ticket = next;
        poll_fn(|context| inner.poll_ready(context))
            .await
            .map_err(LayerError::Service)?;
        response = send(&mut inner, request, &ticket).await?;
    }
}

async fn send<S, R>(
    inner: &mut S,
    mut request: R,
    ticket: &Ticket,
) -> Result<S::Response, LayerError<S::Error>>
where
    S: Service<R>,
    R: OutgoingRequest,
{
    authorize(request.headers_mut(), ticket);
    inner.call(request).await.map_err(LayerError::Service)
}

fn authorize(headers: &mut HeaderMap, ticket: &Ticket) {
    if let Some(header) = &ticket.header {
        headers.insert(AUTHORIZATION, header.clone());
    }
}
