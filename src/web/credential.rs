//! Takes the credential out of a request before anything else can see it.

use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

use crate::guard::{Guard, Slot};

/// A layer that moves the credential of each request into a private place, which the guard's
/// extractor empties.
///
/// [`Authorized`](crate::Authorized) takes `Authorization` out of the request, so what runs after it
/// sees none. What runs before it does see it: middleware, and extractors that stand earlier in
/// the handler's signature. With this layer outermost, they do not either.
///
/// It decides nothing: a request without a credential passes, and is refused by the extractor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CredentialLayer;

/// The service that [`CredentialLayer`] makes.
#[derive(Clone, Copy, Debug)]
pub struct CredentialService<T> {
    inner: T,
}

impl<V> Guard<V> {
    /// A layer that hides the credential from all that runs before the extractor.
    ///
    /// # Examples
    /// ```
    /// use clearance::{Authorized, Guard, mcp::{McpScopes, ToolsRead}};
    ///
    /// async fn list(_: Authorized<ToolsRead>) -> &'static str {
    ///     "tools"
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    ///     .issuer("https://auth.example.com".parse()?)
    ///     .build()?;
    /// let app: axum::Router = axum::Router::new()
    ///     .route("/tools", axum::routing::get(list))
    ///     .layer(guard.credential_layer())
    ///     .with_state(guard);
    /// # let _ = app;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn credential_layer(&self) -> CredentialLayer {
        CredentialLayer
    }
}

impl<T> Layer<T> for CredentialLayer {
    type Service = CredentialService<T>;

    fn layer(&self, inner: T) -> Self::Service {
        CredentialService { inner }
    }
}

impl<T, B> Service<Request<B>> for CredentialService<T>
where
    T: Service<Request<B>>,
{
    type Response = T::Response;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        Slot::fill(&mut parts);
        self.inner.call(Request::from_parts(parts, body))
    }
}
