//! `WWW-Authenticate` for bearer tokens (RFC 6750 section 3, RFC 9728 section 5.1).

use http::HeaderValue;

/// One challenge. Every value is constant or from the configuration; nothing is reflected.
pub(super) struct Challenge<'a> {
    pub(super) metadata_url: &'a str,
    pub(super) scope: Option<&'a str>,
    pub(super) error: Option<&'static str>,
}

impl Challenge<'_> {
    /// The header value.
    ///
    /// All parts were checked when the guard was built (URLs by RFC 3986, scopes by RFC 6749
    /// section 3.3), and none of their characters needs an escape in a quoted-string.
    pub(super) fn to_value(&self) -> Option<HeaderValue> {
        let mut text = String::with_capacity(160);
        text.push_str("Bearer ");
        if let Some(error) = self.error {
            push(&mut text, "error", error);
        }
        if let Some(scope) = self.scope.filter(|scope| !scope.is_empty()) {
            push(&mut text, "scope", scope);
        }
        push(&mut text, "resource_metadata", self.metadata_url);
        HeaderValue::try_from(text).ok()
    }
}

fn push(text: &mut String, name: &str, value: &str) {
    if text.ends_with('"') {
        text.push_str(", ");
    }
    for part in [name, "=\"", value, "\""] {
        text.push_str(part);
    }
}
