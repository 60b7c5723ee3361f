//! The metadata documents as axum routes.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{StatusCode, Uri};

use crate::guard::{ConfigError, Guard};
use crate::wire::MetadataDocument;

mod sealed {
    use crate::wire::MetadataDocument;

    /// The documents of a guard over any vocabulary.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a guard",
        label = "metadata is served for guards",
        note = "pass the guard that it holds"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Documents {
        fn documents(&self) -> Vec<MetadataDocument>;
    }
}

/// Whatever has protected resource metadata: every [`Guard`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard",
    label = "metadata is served for guards",
    note = "pass the guard that it holds"
)]
pub trait ProtectedResource: sealed::Documents {}

impl<V> sealed::Documents for Guard<V> {
    fn documents(&self) -> Vec<MetadataDocument> {
        self.metadata()
    }
}

impl<V> ProtectedResource for Guard<V> {}

/// How long clients may keep a document: they see by it that a server has moved to another
/// authorization server.
pub(super) const CACHE: &str = "public, max-age=300";

/// Routes that serve the metadata of these guards' resources, each at its well-known URI, to
/// anybody.
///
/// Resources that differ in their query alone are served from one path.
///
/// # Errors
/// [`ConfigError::MetadataPath`], if two resources have one path and query: a router does not look
/// at host names, so it could not tell them apart. [`ConfigError::UnroutablePath`], if a segment of
/// a path begins with `:` or `*`.
///
/// # Panics
/// This does not, but axum's `merge` does if the other router has the same route already.
///
/// # Examples
/// ```
/// use clearance::{Guard, mcp::McpScopes, metadata_routes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .build()?;
/// let app: axum::Router = axum::Router::new().merge(metadata_routes([&guard])?);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// # Specification
/// [RFC 9728 section 3](https://www.rfc-editor.org/rfc/rfc9728#section-3)
pub fn metadata_routes<St, const N: usize>(
    guards: [&dyn ProtectedResource; N],
) -> Result<Router<St>, ConfigError>
where
    St: Clone + Send + Sync + 'static,
{
    let mut by_path: BTreeMap<String, Vec<MetadataDocument>> = BTreeMap::new();
    for document in guards.into_iter().flat_map(sealed::Documents::documents) {
        routable(document.path())?;
        let at_path = by_path.entry(document.path().to_owned()).or_default();
        if at_path
            .iter()
            .any(|other| other.query() == document.query())
        {
            let query = document
                .query()
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            return Err(ConfigError::MetadataPath(
                format!("{}{query}", document.path()).into(),
            ));
        }
        at_path.push(document);
    }
    Ok(by_path
        .into_iter()
        .fold(Router::new(), |routes, (path, documents)| {
            routes.route(&path, get(async move |uri: Uri| answer(&documents, &uri)))
        }))
}

/// Whether a path is a route that matches itself alone: axum reads parameters in braces, and panics
/// at segments that it once read as parameters.
pub(super) fn routable(path: &str) -> Result<(), ConfigError> {
    let is_odd = |segment: &str| segment.starts_with([':', '*']) || segment.contains(['{', '}']);
    if !path.starts_with('/') || path.split('/').any(is_odd) {
        return Err(ConfigError::UnroutablePath(path.into()));
    }
    Ok(())
}

fn answer(documents: &[MetadataDocument], uri: &Uri) -> Response {
    match documents
        .iter()
        .find(|document| document.query() == uri.query())
    {
        Some(document) => {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, CACHE),
                (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            ];
            (headers, document.body().to_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
