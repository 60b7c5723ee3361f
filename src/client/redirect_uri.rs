//! Where the browser comes back to.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::id::Resource;

/// The URI at which the answer to an authorization request arrives.
///
/// It is `https`, or `http` with a loopback host, has no fragment, and is sent as it was written.
///
/// # Examples
/// ```
/// use clearance::client::RedirectUri;
///
/// let own: RedirectUri = "http://127.0.0.1:49152/callback".parse()?;
/// assert!("http://app.example.com/callback".parse::<RedirectUri>().is_err());
/// # let _ = own;
/// # Ok::<(), clearance::client::RedirectUriError>(())
/// ```
///
/// # Specification
/// [OAuth 2.1 section 2.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1#section-2.3),
/// [RFC 8252 section 7.3](https://www.rfc-editor.org/rfc/rfc8252#section-7.3)
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUri(Resource);

/// The text is no redirect URI that is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a redirect URI is https, or http with a loopback host, and has no fragment")]
#[non_exhaustive]
pub struct RedirectUriError;

impl RedirectUri {
    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the host is a loopback one: the application runs where its user is.
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }

    /// Whether the redirect URI `registered` allows this one: identical, save the port of a loopback
    /// address (RFC 8252 section 7.3).
    pub(crate) fn is_allowed_by(&self, registered: &str) -> bool {
        if self.as_str() == registered {
            return true;
        }
        let Some(registered) = registered.parse::<Self>().ok() else {
            return false;
        };
        let without_port = |uri: &Self| {
            let mut url = Url::parse(uri.as_str()).ok()?;
            url.set_port(None).ok()?;
            Some(url)
        };
        let is_literal = |uri: &Self| {
            Url::parse(uri.as_str()).is_ok_and(|url| {
                let is_address = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
                url.scheme() == "http" && is_address
            })
        };
        self.is_loopback()
            && registered.is_loopback()
            && is_literal(self)
            && without_port(self).is_some_and(|own| Some(own) == without_port(&registered))
    }
}

impl FromStr for RedirectUri {
    type Err = RedirectUriError;

    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        text.parse().map(Self).ok().ok_or(RedirectUriError)
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
