//! A token of another service.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use url::Url;

use super::super::scopes::Scopes;
use super::super::tokens::{ForeignEndpointError, TokenSet};
use crate::id::Resource;
use crate::secret::{ClientSecret, is_same};

/// How long before its end a token is not given out any more.
const MARGIN: TimeDelta = TimeDelta::seconds(10);
/// For how long one is remembered whose end its issuer does not tell.
const UNTOLD: TimeDelta = TimeDelta::minutes(5);

/// A token with which this server calls another service on behalf of a caller. See
/// [`Exchange`](super::Exchange).
///
/// It is never shown, and it goes to the service alone: see [`authorization_for`](Self::authorization_for).
#[derive(Clone)]
pub struct UpstreamToken {
    tokens: Arc<TokenSet>,
    deadline: DateTime<Utc>,
}

impl UpstreamToken {
    /// Nothing if the issuer has given back the caller's own token.
    pub(super) fn new(
        tokens: TokenSet,
        subject_token: &ClientSecret,
        caller_until: DateTime<Utc>,
    ) -> Option<Self> {
        if is_same(
            tokens.access.expose().as_bytes(),
            subject_token.expose().as_bytes(),
        ) {
            return None;
        }
        let untold = || tokens.obtained_at().checked_add_signed(UNTOLD);
        let end = tokens.deadline().or_else(untold).unwrap_or(caller_until);
        Some(Self {
            deadline: end.min(caller_until),
            tokens: Arc::new(tokens),
        })
    }

    pub(super) fn is_good_at(&self, now: DateTime<Utc>) -> bool {
        let last = self.deadline.checked_sub_signed(MARGIN);
        last.is_some_and(|last| now < last)
    }

    /// The service.
    pub fn upstream(&self) -> &Resource {
        self.tokens.endpoint()
    }

    /// When it is over: no later than the caller's own token.
    pub const fn deadline(&self) -> DateTime<Utc> {
        self.deadline
    }

    /// What was granted, as far as the issuer says; else what was requested.
    pub fn granted(&self) -> &Scopes {
        self.tokens.granted()
    }

    /// The value of `Authorization` for a request to `url`. It is marked as sensitive.
    ///
    /// # Errors
    /// [`ForeignEndpointError`], if `url` is neither the service's nor below it: the same scheme, host and
    /// port, and a path that is the service's or continues it after a slash.
    pub fn authorization_for(&self, url: &str) -> Result<HeaderValue, ForeignEndpointError> {
        let own = Url::parse(self.upstream().as_str());
        let is_own = own.is_ok_and(|own| Url::parse(url).is_ok_and(|url| is_below(&own, &url)));
        let value = is_own.then(|| self.tokens.authorization()).flatten();
        value.ok_or(ForeignEndpointError)
    }
}

/// Whether `url` is `own` or below it. A parsed URL has no segments of dots any more.
fn is_below(own: &Url, url: &Url) -> bool {
    let is_plain = url.username().is_empty() && url.password().is_none();
    let rest = url.path().strip_prefix(own.path().trim_end_matches('/'));
    let fits = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // To some servers these lead elsewhere.
    let lower = url.path().to_ascii_lowercase();
    let is_clear = !["%2e", "%2f", "%5c"].iter().any(|odd| lower.contains(odd));
    is_plain && is_clear && own.origin() == url.origin() && fits
}

impl fmt::Debug for UpstreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamToken")
            .field("upstream", self.upstream())
            .field("granted", self.granted())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_its_service_and_what_is_below_it() {
        let own = Url::parse("https://api.example.com/v1").unwrap();
        for (url, expected) in [
            ("https://api.example.com/v1", true),
            ("https://api.example.com/v1/", true),
            ("https://api.example.com/v1/files?x=1", true),
            ("https://API.example.com:443/v1/files", true),
            ("https://api.example.com/v10", false),
            ("https://api.example.com/v1/../admin", false),
            ("https://api.example.com/v1/%2e%2e/admin", false),
            ("https://api.example.com/v1/..%2fadmin", false),
            ("https://api.example.com/V1", false),
            ("https://api.example.com/", false),
            ("http://api.example.com/v1", false),
            ("https://api.example.com:8443/v1", false),
            ("https://api.example.com.evil.example/v1", false),
            ("https://user@api.example.com/v1", false),
        ] {
            assert_eq!(is_below(&own, &Url::parse(url).unwrap()), expected, "{url}");
        }
        let root = Url::parse("https://api.example.com/").unwrap();
        assert!(is_below(
            &root,
            &Url::parse("https://api.example.com/any/thing").unwrap()
        ));
    }
}
