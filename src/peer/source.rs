//! Whose address counts as that of the peer.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

#[cfg(feature = "axum")]
use axum::extract::ConnectInfo;
use http::header::FORWARDED;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::forwarded::{is_whole, pairs_of};
use super::{Network, PeerInfo};

/// `X-Forwarded-For`.
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The field in which proxies write down for whom they ask. The other one is not looked at: a proxy that
/// does not know it passes on what the client wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, to which each proxy adds the address that it was asked from.
    XForwardedFor,
    /// `Forwarded`, by its `for` (RFC 7239 section 5.2).
    Forwarded,
}

/// Where the address of a peer comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    proxies: Vec<Network>,
    by: ForwardedBy,
}

impl Source {
    /// The connection.
    pub(crate) const fn connection() -> Self {
        Self {
            proxies: Vec::new(),
            by: ForwardedBy::XForwardedFor,
        }
    }

    /// What proxies in these networks say, where the connection is one of theirs.
    pub(crate) const fn behind(proxies: Vec<Network>, by: ForwardedBy) -> Self {
        Self { proxies, by }
    }

    /// Who asks, if it is known.
    ///
    /// From the connection inwards: as long as an address is that of a proxy, the one that it names is
    /// looked at. What cannot be read ends that, and the last proxy is the peer then.
    pub(crate) fn peer(&self, parts: &Parts) -> Option<PeerNetwork> {
        let mut peer = connected(parts)?;
        if self.is_proxy(peer) {
            let mut named = self.named(&parts.headers).into_iter().rev();
            while self.is_proxy(peer) {
                let Some(Some(before)) = named.next() else {
                    break;
                };
                peer = before.to_canonical();
            }
        }
        Some(PeerNetwork::of(peer))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.has(address))
    }

    /// The addresses that proxies name, in their order; nothing in place of what cannot be read.
    fn named(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        match self.by {
            ForwardedBy::XForwardedFor => {
                let values = headers.get_all(&FORWARDED_FOR).iter();
                values
                    .flat_map(|value| value.to_str().unwrap_or("-").split(','))
                    .map(address)
                    .collect()
            }
            ForwardedBy::Forwarded => {
                let values = headers.get_all(FORWARDED).iter();
                values
                    .flat_map(|value| {
                        let text = value.to_str().ok().filter(|text| is_whole(text));
                        pairs_of(text.unwrap_or("for=-"))
                    })
                    .filter_map(|pair| {
                        let (name, node) = pair.trim().split_once('=')?;
                        let is_for = name.eq_ignore_ascii_case("for");
                        is_for.then(|| address(node.trim_matches('"')))
                    })
                    .collect()
            }
        }
    }
}

/// The other end of the connection.
pub(crate) fn connected(parts: &Parts) -> Option<IpAddr> {
    let info = parts.extensions.get::<PeerInfo>();
    let address = info.map(PeerInfo::address);
    #[cfg(feature = "axum")]
    let address = address.or_else(|| {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        info.map(|info| info.0)
    });
    address.map(|address: SocketAddr| address.ip().to_canonical())
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    alone.or_else(with_port).or_else(in_brackets)
}

/// What counts as one peer: an address of IPv4, and a network of 64 bits of IPv6, for whoever has one such
/// address has all of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PeerNetwork(IpAddr);

impl PeerNetwork {
    fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(network).into()
            }
        })
    }

    /// All peers of which nobody knows the address.
    pub(crate) const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// What tells it from others.
    pub(crate) const fn bits(self) -> u128 {
        match self.0 {
            // Mapped, so that the two kinds have nothing in common.
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }
}

impl From<PeerNetwork> for Network {
    fn from(PeerNetwork(address): PeerNetwork) -> Self {
        let alone = IpNet::from(address);
        Self(match address {
            IpAddr::V4(_) => alone,
            IpAddr::V6(_) => IpNet::new(address, 64).unwrap_or(alone),
        })
    }
}

impl fmt::Debug for PeerNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Network::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const PROXY: &str = "10.0.0.7:4000";

    fn peer(source: &Source, from: &str, fields: &[(&str, &str)]) -> String {
        let mut request = Request::builder();
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts
            .extensions
            .insert(PeerInfo::plain(from.parse().unwrap()));
        Network::from(source.peer(&parts).unwrap()).to_string()
    }

    fn behind(by: ForwardedBy) -> Source {
        Source::behind(vec!["10.0.0.0/8".parse().unwrap()], by)
    }

    /// RS-126
    #[test]
    fn forwarded_addresses_count_only_from_proxies() {
        let source = behind(ForwardedBy::XForwardedFor);
        let field = |value| ("x-forwarded-for", value);
        for (from, fields, expected) in [
            ("192.0.2.1:4000", vec![field("198.51.100.1")], "192.0.2.1"),
            (PROXY, vec![field("198.51.100.1")], "198.51.100.1"),
            // What a client wrote stands before what the proxy adds.
            (
                PROXY,
                vec![field("203.0.113.9, 198.51.100.1")],
                "198.51.100.1",
            ),
            (
                PROXY,
                vec![field("203.0.113.9"), field("198.51.100.1")],
                "198.51.100.1",
            ),
            (PROXY, vec![field("198.51.100.1, 10.1.1.1")], "198.51.100.1"),
            (PROXY, vec![field("198.51.100.1:5000")], "198.51.100.1"),
            (PROXY, vec![field("2001:db8:1:2:3::4")], "2001:db8:1:2::/64"),
            (
                PROXY,
                vec![field("[2001:db8:1:2:3::4]:80")],
                "2001:db8:1:2::/64",
            ),
            (PROXY, vec![field("::ffff:198.51.100.1")], "198.51.100.1"),
            (
                "[::ffff:10.0.0.7]:4000",
                vec![field("198.51.100.1")],
                "198.51.100.1",
            ),
            // What cannot be read is nobody's address, and nothing before it is believed.
            (PROXY, vec![field("203.0.113.9, unknown")], "10.0.0.7"),
            (PROXY, vec![field("203.0.113.9, ")], "10.0.0.7"),
            (PROXY, vec![], "10.0.0.7"),
            (PROXY, vec![("forwarded", "for=198.51.100.1")], "10.0.0.7"),
        ] {
            assert_eq!(peer(&source, from, &fields), expected, "{from} {fields:?}");
        }
        let own = Source::connection();
        assert_eq!(peer(&own, PROXY, &[field("198.51.100.1")]), "10.0.0.7");
    }

    /// RS-126
    #[test]
    fn the_standard_field_counts_where_it_is_named() {
        let source = behind(ForwardedBy::Forwarded);
        for (value, expected) in [
            ("for=198.51.100.1", "198.51.100.1"),
            (
                "for=203.0.113.9, for=198.51.100.1;proto=https",
                "198.51.100.1",
            ),
            (r#"For="[2001:db8:1:2:3::4]:80""#, "2001:db8:1:2::/64"),
            (r#"for="203.0.113.9, for=198.51.100.1""#, "10.0.0.7"),
            ("for=_hidden", "10.0.0.7"),
            // What a client begins to quote is not ended by the proxy.
            (r#"for=203.0.113.9;x=", for=198.51.100.1"#, "10.0.0.7"),
            (r#"for=", for=198.51.100.1"#, "10.0.0.7"),
            (r#"for=203.0.113.9;x="\", for=198.51.100.1"#, "10.0.0.7"),
            ("by=198.51.100.1", "10.0.0.7"),
        ] {
            assert_eq!(
                peer(&source, PROXY, &[("forwarded", value)]),
                expected,
                "{value}"
            );
        }
        let other = [("x-forwarded-for", "198.51.100.1")];
        assert_eq!(peer(&source, PROXY, &other), "10.0.0.7");
    }

    /// RS-126
    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let own = Source::connection();
        let of = |from: &str| peer(&own, from, &[]);
        assert_eq!(of("[2001:db8:1:2:3::4]:1"), of("[2001:db8:1:2:ffff::1]:2"));
        assert_ne!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:3::1]:1"));
        assert_ne!(of("192.0.2.1:1"), of("192.0.2.2:1"));
        let (parts, ()) = Request::new(()).into_parts();
        assert_eq!(own.peer(&parts), None);
    }
}
