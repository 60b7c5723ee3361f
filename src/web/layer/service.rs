//! The layer and its service.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, Service};

use super::Shared;
use super::body::{GuardedAnswer, GuardedBody};
use super::future::ResponseFuture;

/// A tower layer that lets a request through to an MCP service only if its token grants what it asks
/// for.
///
/// The service needs no change: the layer verifies the token, reads the body once, decides by a
/// [`Policy`](crate::mcp::Policy), binds sessions to their owner, and passes the bytes on as they came.
/// It answers the metadata of the guard's resource as well. A handler behind it may still take an
/// [`Authorized<S>`](crate::Authorized): the token is not verified again, and the quota not charged.
///
/// # Proves
/// What reaches the service was asked for by somebody whose token grants what the policy demands for
/// it, in a session of the same issuer, subject and client; a stream ends when the token does.
///
/// # Does not prove
/// That the service does what the names say, or that the caller owns what the arguments name. A service
/// that can be reached on another way than through the layer is not guarded there.
///
/// # Examples
/// ```
/// use clearance::mcp::{McpScopes, Policy, ToolsRead, requires};
/// use clearance::session::SealKeys;
/// use clearance::{AuthorizationLayer, Guard};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let existing: axum::Router = axum::Router::new();
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .build()?;
/// let policy = Policy::standard().tool("search", requires::<ToolsRead>());
/// let layer = AuthorizationLayer::builder(&guard, policy)
///     .seal_keys(SealKeys::this_process_only())
///     .build()?;
/// let app = existing.layer(layer);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// Without keys for its sessions there is no layer:
/// ```compile_fail,E0599
/// use clearance::mcp::{McpScopes, Policy};
/// use clearance::{AuthorizationLayer, Guard};
///
/// fn layer(guard: &Guard<McpScopes>) {
///     // no method named `build` found for struct `LayerBuilder<McpScopes>`
///     AuthorizationLayer::builder(guard, Policy::standard()).build();
/// }
/// ```
#[doc = ""]
#[doc = include_str!("guide.md")]
#[derive(Clone)]
pub struct AuthorizationLayer {
    shared: Arc<Shared>,
}

impl AuthorizationLayer {
    pub(super) const fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// The service that an [`AuthorizationLayer`] makes.
///
/// The service behind takes `Request<GuardedBody<B>>`, where `B` is the body of the requests that come
/// in.
#[derive(Clone)]
pub struct AuthorizationService<T> {
    shared: Arc<Shared>,
    inner: T,
}

impl<T> Layer<T> for AuthorizationLayer {
    type Service = AuthorizationService<T>;

    fn layer(&self, inner: T) -> Self::Service {
        AuthorizationService {
            shared: Arc::clone(&self.shared),
            inner,
        }
    }
}

impl<T, B, R> Service<Request<B>> for AuthorizationService<T>
where
    T: Service<Request<GuardedBody<B>>, Response = Response<R>> + Clone,
    B: HttpBody<Data = Bytes>,
    R: HttpBody<Data = Bytes>,
{
    type Response = Response<GuardedAnswer<R>>;
    type Error = T::Error;
    type Future = ResponseFuture<T, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone was not asked whether it is ready; the one that was is used.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture::new(Arc::clone(&self.shared), ready, request)
    }
}

impl fmt::Debug for AuthorizationLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationLayer(..)")
    }
}

impl<T> fmt::Debug for AuthorizationService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationService(..)")
    }
}
