//! What becomes of a request.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tower::{BoxError, Service};

use super::Tenants;
use super::directory::Entry;
use super::load::Missing;
use super::place::{Odd, TenantName};
use crate::limit::whole_seconds;
use crate::mcp::error::{INVALID_REQUEST, error_body};

/// The answer of a tenant, or that there is none.
pub struct TenantFuture(State);

enum State {
    Answering {
        answer: RouteFuture<Infallible>,
        /// What was fetched is not put away while it answers.
        _used: Arc<Entry>,
    },
    Fetching(
        JoinHandle<Result<Arc<Entry>, Missing>>,
        Option<Box<Request<Body>>>,
    ),
    Ready(Option<Response<Body>>),
}

impl<B> Service<Request<B>> for Tenants
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = TenantFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> TenantFuture {
        let (parts, body) = request.into_parts();
        let shared = &self.shared;
        let name = match shared.place.choose(&parts) {
            Ok(Some(name)) => name,
            Ok(None) => return TenantFuture::absent(),
            Err(odd) => return TenantFuture::odd(odd),
        };
        if let Some(entry) = shared.directory.get(&name) {
            drop(name);
            return TenantFuture::answering(entry, Request::from_parts(parts, body));
        }
        let Some(fetcher) = &shared.fetcher else {
            return TenantFuture::absent();
        };
        if let Some(missing) = fetcher.known_missing(&name) {
            return TenantFuture::missing(missing);
        }
        let name = TenantName::new(&name);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return TenantFuture::missing(Missing::Unavailable(Duration::ZERO));
        };
        let shared = Arc::clone(shared);
        // A task of its own: a client that goes away must not end what others wait for.
        let fetching = runtime.spawn(async move {
            match &shared.fetcher {
                Some(fetcher) => fetcher.fetch(&shared.place, &shared.directory, &name).await,
                None => Err(Missing::Absent),
            }
        });
        let request = Request::from_parts(parts, Body::new(body));
        TenantFuture(State::Fetching(fetching, Some(Box::new(request))))
    }
}

impl TenantFuture {
    fn answering<B>(entry: Arc<Entry>, mut request: Request<B>) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        // In place of what the request may have brought with it.
        request.extensions_mut().insert(entry.tenancy().clone());
        Self(State::Answering {
            answer: entry.service().call(request),
            _used: entry,
        })
    }

    fn missing(missing: Missing) -> Self {
        match missing {
            Missing::Absent => Self::absent(),
            Missing::Unavailable(wait) => Self::unavailable(wait),
        }
    }

    fn absent() -> Self {
        Self::refused(StatusCode::NOT_FOUND, 40400, "no such resource", None)
    }

    fn odd(odd: Odd) -> Self {
        let what = match odd {
            Odd::Host => "ambiguous host",
            Odd::Path => "ambiguous path",
        };
        Self::refused(StatusCode::BAD_REQUEST, INVALID_REQUEST, what, None)
    }

    fn unavailable(wait: Duration) -> Self {
        let (status, what) = (StatusCode::SERVICE_UNAVAILABLE, "temporarily unavailable");
        Self::refused(status, 50300, what, Some(whole_seconds(wait).max(1)))
    }

    /// No guard is asked, so these answers say nothing of any tenant.
    fn refused(status: StatusCode, code: i32, what: &'static str, wait: Option<u64>) -> Self {
        let mut answer = Response::new(Body::from(error_body(None, code, what, None)));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = wait {
            headers.insert(RETRY_AFTER, wait.into());
        }
        Self(State::Ready(Some(answer)))
    }
}

impl Future for TenantFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match &mut self.0 {
                State::Answering { answer, .. } => return Pin::new(answer).poll(cx),
                State::Ready(answer) => {
                    return match answer.take() {
                        Some(answer) => Poll::Ready(Ok(answer)),
                        None => Poll::Pending,
                    };
                }
                State::Fetching(fetching, request) => match Pin::new(fetching).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Ok(entry))) => match request.take() {
                        Some(request) => Self::answering(entry, *request),
                        None => return Poll::Pending,
                    },
                    Poll::Ready(Ok(Err(missing))) => Self::missing(missing),
                    // The runtime was shut down.
                    Poll::Ready(Err(_)) => Self::unavailable(Duration::ZERO),
                },
            };
            *self = next;
        }
    }
}

impl fmt::Debug for TenantFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantFuture(..)")
    }
}
