//! The metadata documents as axum routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{Extensions, StatusCode, Uri};
use sealed::Document;

use crate::guard::{ConfigError, Guard, Tenancy};

mod sealed {
    use std::sync::Arc;

    use crate::guard::Inner;
    use crate::wire::MetadataDocument;

    /// A document, and whose it is.
    #[derive(Clone)]
    #[expect(
        missing_debug_implementations,
        unnameable_types,
        reason = "nobody else sees it"
    )]
    pub struct Document {
        pub(super) text: MetadataDocument,
        pub(super) guard: Arc<Inner>,
    }

    /// The documents of a guard over any vocabulary.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a guard",
        label = "metadata is served for guards",
        note = "pass the guard that it holds"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Documents {
        fn documents(&self) -> Vec<Document>;
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
    fn documents(&self) -> Vec<Document> {
        let guard = || Arc::clone(self.inner());
        let document = |text| Document {
            text,
            guard: guard(),
        };
        self.metadata().into_iter().map(document).collect()
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
    let mut by_path: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    for document in guards.into_iter().flat_map(sealed::Documents::documents) {
        let text = &document.text;
        routable(text.path())?;
        let at_path = by_path.entry(text.path().to_owned()).or_default();
        if at_path
            .iter()
            .any(|other| other.text.query() == text.query())
        {
            let query = text
                .query()
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            return Err(ConfigError::MetadataPath(
                format!("{}{query}", text.path()).into(),
            ));
        }
        at_path.push(document);
    }
    Ok(by_path
        .into_iter()
        .fold(Router::new(), |routes, (path, documents)| {
            let served =
                async move |uri: Uri, extensions: Extensions| answer(&documents, &uri, &extensions);
            routes.route(&path, get(served))
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

fn answer(documents: &[Document], uri: &Uri, extensions: &Extensions) -> Response {
    let is_it = |document: &&Document| {
        document.text.query() == uri.query() && Tenancy::admits(extensions, &document.guard)
    };
    match documents.iter().find(is_it) {
        Some(Document { text, .. }) => {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, CACHE),
                (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            ];
            (headers, text.body().to_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
