//! Protected resource metadata (RFC 9728).

use serde::Serialize;

use crate::guard::Guard;
use crate::id::Resource;

/// A metadata document: where it is served, and what it says.
///
/// [`metadata_routes`](crate::metadata_routes) serves it on axum. Another transport answers `GET`
/// at [`path`](Self::path) and [`query`](Self::query), without a credential, with
/// [`body`](Self::body) as `application/json`.
///
/// # Examples
/// ```
/// use clearance::{Guard, mcp::McpScopes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .build()?;
/// for document in guard.metadata() {
///     assert_eq!(document.path(), "/.well-known/oauth-protected-resource/mcp");
///     assert!(document.body().contains("https://auth.example.com"));
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Specification
/// [RFC 9728 section 3](https://www.rfc-editor.org/rfc/rfc9728#section-3)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataDocument {
    path: String,
    query: Option<String>,
    body: String,
}

impl MetadataDocument {
    /// The path of its well-known URI.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query of its well-known URI.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The document, JSON.
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// RFC 9728 section 2. `jwks_uri` is not here: it would mean keys of the resource.
#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

impl<V> Guard<V> {
    /// The metadata of this guard's resource, and of its alias where it has one.
    pub fn metadata(&self) -> Vec<MetadataDocument> {
        let rules = self.inner().acceptance().rules();
        let baseline = self
            .inner()
            .answers()
            .baseline
            .as_deref()
            .unwrap_or_default();
        let document = |resource: &Resource| {
            let (path, query) = resource.metadata_path();
            let metadata = Metadata {
                resource: resource.as_str(),
                authorization_servers: rules.issuers.iter().map(|of| of.issuer.as_str()).collect(),
                scopes_supported: baseline.split_terminator(' ').collect(),
                bearer_methods_supported: ["header"],
            };
            // Strings and arrays of strings always serialize.
            let body = serde_json::to_string(&metadata).unwrap_or_default();
            MetadataDocument { path, query, body }
        };
        std::iter::once(&rules.resource)
            .chain(&rules.alias)
            .map(document)
            .collect()
    }
}
