//! What a redirect brings.

use std::fmt;

use zeroize::Zeroizing;

/// The whole query of a redirect: `state`, `iss`, and a code or an error. Nobody has read it yet.
///
/// A code is a secret until it is used: this is not printed, and is wiped from memory when it is dropped.
pub struct RedirectQuery(Zeroizing<String>);

impl RedirectQuery {
    /// Takes what stands behind the `?`.
    pub fn new(query: impl Into<String>) -> Self {
        Self(Zeroizing::new(query.into()))
    }

    /// The query, for the flow that waits for it and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedirectQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedirectQuery(..)")
    }
}
