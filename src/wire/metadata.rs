//! Protected resource metadata (RFC 9728).

use serde::Serialize;

use crate::guard::Guard;
use crate::id::Resource;

/// A metadata document, where it is served and what it says.
#[derive(Clone, Debug)]
#[expect(unnameable_types, reason = "it passes through a sealed trait")]
pub struct Document {
    /// The path of its well-known URI.
    pub(crate) path: String,
    /// The query of its well-known URI.
    pub(crate) query: Option<String>,
    /// JSON.
    pub(crate) body: String,
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

impl Document {
    /// The documents of a guard: one for its resource, one for its alias.
    pub(crate) fn of<V>(guard: &Guard<V>) -> Vec<Self> {
        let rules = guard.inner().acceptance().rules();
        let baseline = guard
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
            Self { path, query, body }
        };
        std::iter::once(&rules.resource)
            .chain(&rules.alias)
            .map(document)
            .collect()
    }
}
