//! Which addresses a document may send us to.
//!
//! The metadata of an issuer may name a key set on another host. Whoever writes that document, or
//! answers for that host's name, could otherwise make this server call into its own network: so a
//! host that only a document names is called at a public address or not at all. The check and the
//! connection use the same answer of the resolver, so there is no moment between them.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The addresses of a name, as they are found.
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of names.
pub(super) type Lookup = Arc<dyn Fn(&str) -> Found + Send + Sync>;

/// IPv4 networks that are not public (the IANA registry of special purposes, RFC 6890).
const NOT_PUBLIC: [(Ipv4Addr, u32); 15] = [
    // This network, and "unspecified".
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private (RFC 1918).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Behind a provider's NAT (RFC 6598).
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; clouds keep their credentials here.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Protocols, documentation, relays of 6to4, benchmarks.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Where public IPv6 addresses are. What is outside: unspecified, loopback, addresses that stand for
/// IPv4 ones (mapped, compatible, NAT64), unique local, link-local, multicast.
const GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// IPv6 networks in there that are not public.
const NOT_GLOBAL: [(Ipv6Addr, u32); 4] = [
    // Protocols, Teredo among them, which stands for IPv4 addresses.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4, which stands for IPv4 addresses.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// Whether this address is a public one.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_in = |&(network, length): &(Ipv4Addr, u32)| {
                (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
            };
            !NOT_PUBLIC.iter().any(is_in)
        }
        IpAddr::V6(address) => {
            let is_in = |&(network, length): &(Ipv6Addr, u32)| {
                (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
            };
            is_in(&GLOBAL) && !NOT_GLOBAL.iter().any(is_in)
        }
    }
}

/// The addresses that hosts may have which only a document names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    /// This machine as well: for an issuer that is on it.
    pub(super) loopback: bool,
}

impl Admitted {
    pub(super) fn has(self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.is_loopback())
    }

    /// Whether the host of `url` is no address that is not admitted. A name may be.
    pub(super) fn may_have(self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.has(address.into()),
            Some(Host::Ipv6(address)) => self.has(address.into()),
            // RFC 6761 section 6.3: these names mean this machine, whoever resolves them.
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let last = name.rsplit('.').next().unwrap_or_default();
                self.loopback || !last.eq_ignore_ascii_case("localhost")
            }
            None => false,
        }
    }
}

/// Resolves names to admitted addresses only. What it gives is what is connected to.
pub(super) struct Checked {
    pub(super) lookup: Lookup,
    pub(super) admitted: Admitted,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str());
        let admitted = self.admitted;
        Box::pin(async move {
            let mut addresses = found.await?;
            let were_found = !addresses.is_empty();
            addresses.retain(|address| admitted.has(address.ip()));
            if were_found && addresses.is_empty() {
                return Err(ForbiddenAddress.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// The lookup of the system.
pub(super) fn system() -> Lookup {
    Arc::new(|name| {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.collect())
        })
    })
}

/// A name has no address that may be called.
#[derive(Debug)]
pub(super) struct ForbiddenAddress;

impl fmt::Display for ForbiddenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has no public address")
    }
}

impl Error for ForbiddenAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: &[&str] = &[
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::a00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::1",
        "2001:2::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00::1",
        "3ffe:ffff::1",
    ];

    #[test]
    fn what_is_not_public_is_known() {
        for text in PRIVATE {
            let address: IpAddr = text.parse().unwrap();
            assert!(!is_public(address), "{text}");
            assert!(!Admitted { loopback: false }.has(address), "{text}");
            let is_own = ["127.0.0.1", "127.255.255.254", "::1"].contains(text);
            assert_eq!(Admitted { loopback: true }.has(address), is_own, "{text}");
        }
        for text in PUBLIC {
            let address: IpAddr = text.parse().unwrap();
            assert!(is_public(address), "{text}");
            assert!(Admitted { loopback: false }.has(address), "{text}");
        }
    }

    #[test]
    fn hosts_are_known_however_they_are_written() {
        let strict = Admitted { loopback: false };
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "%31%30.0.0.1",
            "169.254.169.254.",
            "[::1]",
            "[::ffff:8.8.8.8]",
            "[fd00::1]",
            "localhost",
            "LOCALHOST.",
            "keys.localhost",
        ] {
            let url = Url::parse(&format!("https://{host}/jwks")).unwrap();
            assert!(!strict.may_have(&url), "{host}");
        }
        for host in [
            "8.8.8.8",
            "[2606:4700::1]",
            "keys.example.com",
            "localhost.example.com",
        ] {
            let url = Url::parse(&format!("https://{host}/jwks")).unwrap();
            assert!(strict.may_have(&url), "{host}");
        }
        assert!(!strict.may_have(&Url::parse("data:,x").unwrap()));
    }
}
