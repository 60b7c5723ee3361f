//! Identifiers that are URIs: who issues, and what is protected.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

/// The identifier of an authorization server: what it writes into `iss`.
///
/// An `https` URI without query and fragment (`http` for loopback hosts only, for development).
/// It is compared as text, without any normalization.
///
/// # Examples
/// ```
/// use clearance::id::Issuer;
///
/// let issuer: Issuer = "https://auth.example.com".parse()?;
/// assert_eq!(issuer.as_str(), "https://auth.example.com");
/// assert!("http://auth.example.com".parse::<Issuer>().is_err());
/// # Ok::<(), clearance::id::IdentifierError>(())
/// ```
///
/// # Specification
/// [RFC 8414 section 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issuer(Arc<str>);

/// The identifier of a protected resource: this MCP server, as clients name it in `resource` and
/// authorization servers in `aud`.
///
/// An `https` URI without fragment (`http` for loopback hosts only). Its text is kept as it was
/// configured.
///
/// # Examples
/// ```
/// use clearance::id::Resource;
///
/// let resource: Resource = "https://files.example.com/mcp".parse()?;
/// assert_eq!(
///     resource.metadata_url(),
///     "https://files.example.com/.well-known/oauth-protected-resource/mcp",
/// );
/// # Ok::<(), clearance::id::IdentifierError>(())
/// ```
///
/// # Specification
/// [RFC 8707 section 2](https://www.rfc-editor.org/rfc/rfc8707#section-2),
/// [RFC 9728 section 1.2](https://www.rfc-editor.org/rfc/rfc9728#section-1.2)
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    text: Arc<str>,
    /// Where the path, the query or the end follows the authority.
    authority_end: usize,
}

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// It has a fragment (`#..`).
    #[error("an identifier has no fragment")]
    Fragment,
    /// It is not an absolute URI with a host, written with the characters of RFC 3986.
    #[error("not an absolute URI with a host")]
    NotAbsolute,
    /// An issuer identifier has a query.
    #[error("an issuer identifier has no query (RFC 8414 section 2)")]
    Query,
    /// The scheme is neither `https`, nor `http` with a loopback host.
    #[error("the scheme is not https, nor http with a loopback host")]
    Scheme,
    /// It contains a user name or a password.
    #[error("an identifier has no user information")]
    UserInformation,
}

/// Where the well-known URI of RFC 9728 section 3 is inserted.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl Issuer {
    /// The text, as it was configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "fetch")]
impl Issuer {
    /// Whether the host is a loopback one, where `http` is accepted.
    pub(crate) fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// The URIs that may hold this issuer's metadata, in the order in which they are tried:
    /// RFC 8414 section 3.1, then `OpenID` Connect Discovery inserted and appended.
    pub(crate) fn metadata_urls(&self) -> Vec<String> {
        let end = authority_end(&self.0);
        let (origin, path) = self.0.split_at_checked(end).unwrap_or((&self.0, ""));
        let path = path.trim_end_matches('/');
        let inserted = |name: &str| format!("{origin}/.well-known/{name}{path}");
        let mut urls = vec![
            inserted("oauth-authorization-server"),
            inserted("openid-configuration"),
        ];
        if !path.is_empty() {
            urls.push(format!("{origin}{path}/.well-known/openid-configuration"));
        }
        urls
    }
}

impl Resource {
    /// The text, as it was configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL of this resource's metadata document: the well-known URI inserted between host and
    /// path, with the query carried along (RFC 9728 section 3.1).
    pub fn metadata_url(&self) -> String {
        let (origin, rest) = self.split();
        // A slash that directly ends the host part is dropped, from the URL only.
        let rest = match rest.strip_prefix('/') {
            Some(after) if after.is_empty() || after.starts_with('?') => after,
            _ => rest,
        };
        format!("{origin}{WELL_KNOWN}{rest}")
    }

    /// Path and query of [`metadata_url`](Self::metadata_url).
    pub(crate) fn metadata_path(&self) -> (String, Option<String>) {
        let url = self.metadata_url();
        let path_and_query = url.get(self.authority_end..).unwrap_or_default();
        match path_and_query.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (path_and_query.to_owned(), None),
        }
    }

    /// Whether an audience value names this resource.
    ///
    /// Upper case in scheme and host is forgiven, because both are defined without case. All else
    /// is compared as text: no prefixes, no ports filled in, no slashes added.
    pub(crate) fn is_named_by(&self, audience: &str) -> bool {
        if audience == &*self.text {
            return true;
        }
        let (origin, rest) = self.split();
        audience
            .split_at_checked(self.authority_end)
            .is_some_and(|(o, r)| o.eq_ignore_ascii_case(origin) && r == rest)
    }

    /// Whether the host is a loopback one, where `http` is accepted.
    #[cfg(feature = "client")]
    pub(crate) fn is_loopback(&self) -> bool {
        Url::parse(&self.text).is_ok_and(|url| is_loopback(&url))
    }

    /// The origin of this resource, as a resource of its own.
    pub(crate) fn origin(&self) -> Self {
        Self {
            text: self.split().0.into(),
            authority_end: self.authority_end,
        }
    }

    fn split(&self) -> (&str, &str) {
        self.text
            .split_at_checked(self.authority_end)
            .unwrap_or((&self.text, ""))
    }
}

impl FromStr for Issuer {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let url = checked(text)?;
        if url.query().is_some() {
            return Err(IdentifierError::Query);
        }
        Ok(Self(text.into()))
    }
}

impl FromStr for Resource {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        checked(text)?;
        Ok(Self {
            text: text.into(),
            authority_end: authority_end(text),
        })
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What issuers and resources have in common.
fn checked(text: &str) -> Result<Url, IdentifierError> {
    // The parser of `url` repairs what it reads (blanks, tabs, backslashes); an identifier that
    // needs repair is refused instead, because it is compared as text.
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let encoded = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let well_encoded = text.split('%').skip(1).all(encoded);
    if !text.bytes().all(plain) || !text.contains("://") || !well_encoded {
        return Err(IdentifierError::NotAbsolute);
    }
    let url = Url::parse(text).ok().ok_or(IdentifierError::NotAbsolute)?;
    // Also an empty user name, which the parser drops.
    if text
        .get(..authority_end(text))
        .is_some_and(|authority| authority.contains('@'))
    {
        return Err(IdentifierError::UserInformation);
    }
    if !is_kept(text, &url) {
        return Err(IdentifierError::NotAbsolute);
    }
    if url.fragment().is_some() {
        return Err(IdentifierError::Fragment);
    }
    if !is_acceptable_scheme(&url, is_loopback(&url)) {
        return Err(IdentifierError::Scheme);
    }
    Ok(url)
}

/// Whether the parser has kept host and path as they were written: it would repair numbers for
/// addresses, encoded hosts, missing or doubled slashes and dot segments.
fn is_kept(text: &str, url: &Url) -> bool {
    let end = authority_end(text);
    let after_scheme = text.find("://").map_or(0, |at| at.saturating_add(3));
    let authority = text.get(after_scheme..end).unwrap_or_default();
    let host_and_port = authority.to_ascii_lowercase();
    let host_kept = url
        .host_str()
        .and_then(|host| host_and_port.strip_prefix(host))
        .is_some_and(|port| port.is_empty() || port.starts_with(':'));
    let rest = text.get(end..).unwrap_or_default();
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    host_kept && (path == url.path() || (path.is_empty() && url.path() == "/"))
}

/// `https`, or `http` where `plain_http` says that loopback hosts may use it.
pub(crate) fn is_acceptable_scheme(url: &Url, plain_http: bool) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && plain_http && is_loopback(url))
}

/// Whether the host is `localhost` or a loopback address.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// The index after `scheme://authority`.
fn authority_end(text: &str) -> usize {
    let start = text.find("://").map_or(0, |at| at.saturating_add(3));
    text.bytes()
        .enumerate()
        .skip(start)
        .find(|(_, byte)| matches!(byte, b'/' | b'?' | b'#'))
        .map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_urls_are_inserted_before_the_path() {
        for (resource, url) in [
            (
                "https://a.example/mcp",
                "https://a.example/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://a.example",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://a.example/?x=1",
                "https://a.example/.well-known/oauth-protected-resource?x=1",
            ),
            (
                "https://a.example?x=1",
                "https://a.example/.well-known/oauth-protected-resource?x=1",
            ),
            (
                "https://a.example:8443/m/",
                "https://a.example:8443/.well-known/oauth-protected-resource/m/",
            ),
            (
                "https://a.example/m?t=7",
                "https://a.example/.well-known/oauth-protected-resource/m?t=7",
            ),
        ] {
            assert_eq!(resource.parse::<Resource>().unwrap().metadata_url(), url);
        }
    }

    #[test]
    fn issuer_metadata_is_looked_for_in_order() {
        let issuer: Issuer = "https://as.example/t1/".parse().unwrap();
        assert_eq!(
            issuer.metadata_urls(),
            [
                "https://as.example/.well-known/oauth-authorization-server/t1",
                "https://as.example/.well-known/openid-configuration/t1",
                "https://as.example/t1/.well-known/openid-configuration",
            ]
        );
        let issuer: Issuer = "https://as.example".parse().unwrap();
        assert_eq!(issuer.metadata_urls().len(), 2);
    }

    #[test]
    fn what_needs_repair_is_refused() {
        use IdentifierError as E;
        for (text, error) in [
            ("https://a.example/#x", E::Fragment),
            ("https://a.example/ x", E::NotAbsolute),
            ("https:\\\\a.example", E::NotAbsolute),
            ("https:a.example", E::NotAbsolute),
            ("https:///a.example", E::NotAbsolute),
            ("https://a.example/x/../y", E::NotAbsolute),
            ("https://a%2eexample/", E::NotAbsolute),
            ("http://0x7f.1/", E::NotAbsolute),
            ("https://", E::NotAbsolute),
            ("/mcp", E::NotAbsolute),
            ("", E::NotAbsolute),
            ("https://u@a.example/", E::UserInformation),
            ("https://u:p@a.example/", E::UserInformation),
            ("https://@a.example/", E::UserInformation),
            ("https://:@a.example/", E::UserInformation),
            ("https://a.example/%zz", E::NotAbsolute),
            ("https://a.example/%4", E::NotAbsolute),
            ("http://a.example/", E::Scheme),
            ("ftp://127.0.0.1/", E::Scheme),
            ("http://127.0.0.1.example/", E::Scheme),
        ] {
            assert_eq!(text.parse::<Resource>(), Err(error), "{text}");
        }
        assert_eq!("https://a.example/?q".parse::<Issuer>(), Err(E::Query));
        assert!("http://127.0.0.1:80/x".parse::<Resource>().is_ok());
        assert!("http://[::1]:80/x".parse::<Issuer>().is_ok());
        assert!("http://localhost/x".parse::<Issuer>().is_ok());
    }

    /// RS-063
    #[test]
    fn only_the_case_of_scheme_and_host_is_forgiven() {
        let resource: Resource = "https://mcp.example.com/mcp".parse().unwrap();
        assert!(resource.is_named_by("https://mcp.example.com/mcp"));
        assert!(resource.is_named_by("HTTPS://MCP.EXAMPLE.COM/mcp"));
        for other in [
            "https://mcp.example.com/MCP",
            "https://mcp.example.com:443/mcp",
            "https://mcp.example.com/mcp/",
            "",
        ] {
            assert!(!resource.is_named_by(other), "{other}");
        }
    }
}
