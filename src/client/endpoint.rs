//! The MCP endpoint: the one place that a token is for.

use http::Uri;
use url::Url;

use crate::id::Resource;

/// Where MCP requests go.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    id: Resource,
    url: Url,
}

impl Endpoint {
    /// Nothing if the text cannot be a URL, which an identifier always can.
    pub(crate) fn new(id: Resource) -> Option<Self> {
        let url = Url::parse(id.as_str()).ok()?;
        Some(Self { id, url })
    }

    /// The URL, as the application wrote it.
    pub(crate) const fn id(&self) -> &Resource {
        &self.id
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.id.is_loopback()
    }

    /// Whether this URL is on the endpoint's origin.
    pub(crate) fn shares_origin_with(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.url.origin())
    }

    /// Whether a request to `url` goes to the endpoint: the same scheme, host, port and path.
    pub(crate) fn is_reached_by(&self, url: &Url) -> bool {
        let own = &self.url;
        let plain = url.username().is_empty() && url.password().is_none();
        plain && own.origin() == url.origin() && own.path() == url.path()
    }

    /// The same for the URI of a request.
    pub(crate) fn is_reached_by_uri(&self, uri: &Uri) -> bool {
        let own = &self.url;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return false;
        };
        let default = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return false,
        };
        let port = authority.port_u16().unwrap_or(default);
        let host = own.host_str().unwrap_or_default();
        scheme == own.scheme()
            && !authority.as_str().contains('@')
            && authority.host().eq_ignore_ascii_case(host)
            && Some(port) == own.port_or_known_default()
            && uri.path() == own.path()
    }
}
