//! Who is at the other end of a connection, and what proxies say of whom they speak for.
//!
//! Layer L0.

mod forwarded;
mod source;

#[cfg(feature = "axum")]
pub(crate) use forwarded::{is_whole, pairs_of};
pub use source::ForwardedBy;
#[cfg(feature = "axum")]
pub(crate) use source::connected;
pub(crate) use source::{PeerNetwork, Source};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

/// How a connection came in, for whoever accepts connections to put into the extensions of its
/// requests.
///
/// # Examples
/// ```
/// use clearance::PeerInfo;
///
/// let mut request = http::Request::new(());
/// // After the handshake, for each request on the connection:
/// request.extensions_mut().insert(PeerInfo::tls("192.0.2.1:50123".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    address: SocketAddr,
    is_encrypted: bool,
}

impl PeerInfo {
    /// A connection over TLS.
    pub const fn tls(address: SocketAddr) -> Self {
        Self {
            address,
            is_encrypted: true,
        }
    }

    /// A connection in plain text.
    pub const fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            is_encrypted: false,
        }
    }

    /// Whether it came in over TLS.
    #[cfg(feature = "axum")]
    pub(crate) const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The other end of the connection.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A network, such as `10.0.0.0/8`, or one address.
///
/// # Examples
/// ```
/// use clearance::Network;
///
/// let proxies: [Network; 2] = ["10.0.0.0/8".parse()?, "::1".parse()?];
/// # let _ = proxies;
/// # Ok::<(), clearance::NetworkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address, in its canonical form, is in it.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether one of the two lies in the other.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }
}

/// An address without the length of its prefix, if it is one.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

/// The text is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an IP address nor a network in CIDR notation")]
#[non_exhaustive]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let network = text.parse::<IpNet>().ok();
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let network = network.or_else(address).ok_or(NetworkError)?;
        // Addresses are compared in their canonical form.
        let mapped = || {
            let IpAddr::V4(address) = network.addr().to_canonical() else {
                return None;
            };
            let length = network.prefix_len().checked_sub(96)?;
            IpNet::new(address.into(), length).ok()
        };
        let is_mapped = network.addr().is_ipv6();
        Ok(Self(is_mapped.then(mapped).flatten().unwrap_or(network)))
    }
}
