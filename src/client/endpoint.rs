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
        self.is_at_home(url) && self.url.path() == url.path()
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

    /// Whether `url` is the endpoint's or below it. A parsed URL has no segments of dots any more.
    pub(crate) fn is_above(&self, url: &Url) -> bool {
        let rest = url
            .path()
            .strip_prefix(self.url.path().trim_end_matches('/'));
        let fits = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // To some servers these lead elsewhere.
        let lower = url.path().to_ascii_lowercase();
        let is_clear = !["%2e", "%2f", "%5c"].iter().any(|odd| lower.contains(odd));
        is_clear && fits && self.is_at_home(url)
    }

    /// Whether `url` is on the endpoint's origin, and brings no credential of its own.
    fn is_at_home(&self, url: &Url) -> bool {
        let plain = url.username().is_empty() && url.password().is_none();
        plain && self.url.origin() == url.origin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_its_service_and_what_is_below_it() {
        let endpoint = |text: &str| Endpoint::new(text.parse().unwrap()).unwrap();
        let own = endpoint("https://api.example.com/v1");
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
            assert_eq!(own.is_above(&Url::parse(url).unwrap()), expected, "{url}");
        }
        let root = endpoint("https://api.example.com/");
        assert!(root.is_above(&Url::parse("https://api.example.com/any/thing").unwrap()));
    }
}
