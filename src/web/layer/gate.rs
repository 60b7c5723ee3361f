//! What is asked of a request before its credential: where it comes from, and how.

use http::header::{FORWARDED, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

use super::fields::{Field, Fields};
use crate::id::Resource;
use crate::peer::{Network, PeerInfo, connected, is_whole, pairs_of};
use crate::refusal::Reason;

/// `X-Forwarded-Proto`.
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who says that a request came over TLS. There is no default: whoever demands TLS has to know.
///
/// # Examples
/// ```
/// use clearance::TlsEvidence;
///
/// // The proxy in front terminates TLS, and sets `X-Forwarded-Proto` on every request.
/// let evidence = TlsEvidence::from_proxies(["10.0.0.0/8".parse()?]);
/// # let _ = evidence;
/// # Ok::<(), clearance::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TlsEvidence {
    /// Nothing where the acceptor alone is asked.
    proxies: Vec<Network>,
}

impl TlsEvidence {
    /// The acceptor of the connection, by a [`PeerInfo`] in the request's extensions.
    pub const fn from_acceptor() -> Self {
        Self {
            proxies: Vec::new(),
        }
    }

    /// A proxy in one of these networks, by `X-Forwarded-Proto` or `Forwarded`; and the acceptor.
    ///
    /// The address of the proxy is that of [`PeerInfo`], or of axum's `ConnectInfo<SocketAddr>`.
    /// Without either, no request is taken for encrypted. What the fields say is believed of these
    /// networks alone, so they must hold nothing but proxies, which must replace what clients send.
    pub fn from_proxies(proxies: impl Into<Vec<Network>>) -> Self {
        Self {
            proxies: proxies.into(),
        }
    }

    fn holds_for(&self, parts: &Parts) -> bool {
        let info = parts.extensions.get::<PeerInfo>();
        if info.is_some_and(PeerInfo::is_encrypted) {
            return true;
        }
        let is_proxy = |peer| self.proxies.iter().any(|network| network.has(peer));
        connected(parts).is_some_and(is_proxy) && was_encrypted(&parts.headers)
    }
}

/// Whether all that a proxy says of the scheme is `https`, and it says it.
fn was_encrypted(headers: &HeaderMap) -> bool {
    let is_https = |text: &str| text.trim_matches('"').eq_ignore_ascii_case("https");
    let values = |name| headers.get_all(name).iter();
    let said = values(&FORWARDED_PROTO).map(|value| {
        let mut schemes = value.to_str().unwrap_or_default().split(',');
        schemes.all(|scheme| is_https(scheme.trim()))
    });
    let forwarded = values(&FORWARDED).flat_map(|value| {
        let value = value.to_str().ok().filter(|value| is_whole(value));
        let value = value.unwrap_or("proto=");
        pairs_of(value).filter_map(|pair| {
            let (name, scheme) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("proto").then(|| is_https(scheme))
        })
    });
    let mut all = said.chain(forwarded).peekable();
    all.peek().is_some() && all.all(|is_https| is_https)
}

/// Which hosts, origins and connections are let in.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// Whether the guarded resource is on this machine alone.
    is_local: bool,
    /// The resource's own, with its port if it names one.
    own_host: Box<str>,
    /// In lower case; nothing where every host is served.
    hosts: Vec<Box<str>>,
    /// In lower case.
    origins: Vec<Box<str>>,
    tls: Option<TlsEvidence>,
}

/// What a request says of the page that it comes from.
pub(super) enum Source<'r> {
    /// It comes from no page.
    None,
    /// A page that may read the answers.
    Allowed(&'r HeaderValue),
}

impl Gate {
    pub(super) fn of(resource: &Resource) -> Self {
        let url = Url::parse(resource.as_str()).ok();
        let host = url.as_ref().and_then(Url::host);
        let own = url.as_ref().map(|url| url.origin().ascii_serialization());
        Self {
            is_local: host.is_some_and(|host| is_loopback(&host)),
            own_host: own_host(resource.origin().as_str()),
            hosts: Vec::new(),
            origins: own.map(Box::from).into_iter().collect(),
            tls: None,
        }
    }

    pub(super) fn allow_host(&mut self, host: &str) {
        self.hosts.push(host.to_ascii_lowercase().into());
    }

    /// Whether the text is an origin.
    pub(super) fn allow_origin(&mut self, origin: &str) -> bool {
        let text = origin.to_ascii_lowercase();
        let url = Url::parse(&text).ok();
        let is_one = url.is_some_and(|url| url.origin().ascii_serialization() == text);
        self.origins.push(text.as_str().into());
        is_one || text == "null"
    }

    pub(super) fn require_tls(&mut self, evidence: TlsEvidence) {
        self.tls = Some(evidence);
    }

    /// Host and origin (RS-109, RS-110), then how the connection came in (RS-018).
    pub(super) fn check<'r>(&self, parts: &'r Parts, fields: Fields) -> Result<Source<'r>, Reason> {
        let host = if fields.have(Field::HOST) {
            only_text(&parts.headers, &HOST).map_err(|Repeated| Reason::ForeignHost)?
        } else {
            None
        };
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let named = host.or(authority);
        let both = [host, authority].into_iter().flatten();
        let is_served = |host: &str| self.serves(host);
        let restricted = self.is_local || !self.hosts.is_empty();
        if restricted && (named.is_none() || !both.clone().all(is_served)) {
            return Err(Reason::ForeignHost);
        }
        let source = if fields.have(Field::ORIGIN) {
            self.page(&parts.headers, named)?
        } else {
            Source::None
        };
        if !self.is_encrypted(parts) {
            return Err(Reason::NotEncrypted);
        }
        Ok(source)
    }

    fn page<'r>(&self, headers: &'r HeaderMap, host: Option<&str>) -> Result<Source<'r>, Reason> {
        let origin = only_text(headers, &ORIGIN).map_err(|Repeated| Reason::ForeignOrigin)?;
        match (origin, headers.get(ORIGIN)) {
            (Some(origin), Some(value)) if self.lets_in(origin, host) => Ok(Source::Allowed(value)),
            (None, None) => Ok(Source::None),
            _ => Err(Reason::ForeignOrigin),
        }
    }

    /// Whether it came in over TLS, where that is asked for.
    pub(super) fn is_encrypted(&self, parts: &Parts) -> bool {
        self.tls.as_ref().is_none_or(|tls| tls.holds_for(parts))
    }

    fn serves(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let is_listed = self.hosts.iter().any(|known| **known == host);
        is_listed || *self.own_host == host || (self.is_local && is_local_authority(&host))
    }

    fn lets_in(&self, origin: &str, host: Option<&str>) -> bool {
        let is_listed = self.origins.iter().any(|known| **known == *origin);
        // A page of a server on this machine comes from where it was asked for.
        let own = || {
            origin
                .strip_prefix("http://")
                .or(origin.strip_prefix("https://"))
        };
        is_listed || (self.is_local && host.is_some() && own() == host)
    }
}

fn own_host(origin: &str) -> Box<str> {
    let (_, authority) = origin.split_once("://").unwrap_or_default();
    authority.to_ascii_lowercase().into()
}

fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref().eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

fn is_local_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    is_port
        && Host::parse(host).is_ok_and(|parsed| {
            // What needs repair is another name to others.
            parsed.to_string() == host && is_loopback(&parsed)
        })
}

/// More than one field of a name, or one that is no text.
struct Repeated;

fn only_text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Repeated);
    }
    value.to_str().map(Some).map_err(|_not_text| Repeated)
}
