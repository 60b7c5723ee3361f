//! The metadata documents as axum routes.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{StatusCode, Uri};

use crate::guard::{ConfigError, Guard};
use crate::wire::Document;

mod sealed {
    use crate::wire::Document;

    /// The documents of a guard over any vocabulary.
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Documents {
        fn documents(&self) -> Vec<Document>;
    }
}

/// Whatever has protected resource metadata: every [`Guard`].
pub trait ProtectedResource: sealed::Documents {}

impl<V> sealed::Documents for Guard<V> {
    fn documents(&self) -> Vec<Document> {
        Document::of(self)
    }
}

impl<V> ProtectedResource for Guard<V> {}

/// How long clients may keep a document: they see by it that a server has moved to another
/// authorization server.
const CACHE: &str = "public, max-age=300";

/// Routes that serve the metadata of these guards' resources, each at its well-known URI, to
/// anybody.
///
/// Resources that differ in their query alone are served from one path.
///
/// # Errors
/// [`ConfigError::MetadataPath`], if two resources have one path and query: a router does not look
/// at host names, so it could not tell them apart.
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
    let mut by_path: BTreeMap<String, Vec<(Option<String>, String)>> = BTreeMap::new();
    for document in guards.into_iter().flat_map(sealed::Documents::documents) {
        let Document { path, query, body } = document;
        let at_path = by_path.entry(path.clone()).or_default();
        if at_path.iter().any(|(other, _)| *other == query) {
            let full = query.map_or(path.clone(), |query| format!("{path}?{query}"));
            return Err(ConfigError::MetadataPath(full.into()));
        }
        at_path.push((query, body));
    }
    Ok(by_path
        .into_iter()
        .fold(Router::new(), |routes, (path, documents)| {
            routes.route(&path, get(async move |uri: Uri| answer(&documents, &uri)))
        }))
}

fn answer(documents: &[(Option<String>, String)], uri: &Uri) -> impl IntoResponse + use<> {
    let wanted = uri.query();
    match documents
        .iter()
        .find(|(query, _)| query.as_deref() == wanted)
    {
        Some((_, body)) => {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, CACHE),
                (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            ];
            (headers, body.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
