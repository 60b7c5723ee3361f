//! Addresses, before anybody looks at a token.

use std::sync::Arc;

use http::request::Parts;

use super::keyed::{Keyed, QuotaError};
use super::store::Table;
use super::{LimitedBy, NotUntil, Quota};
use crate::clock::Clock;
use crate::peer::{ForwardedBy, Network, PeerNetwork, Source};
use crate::token::HashKey;

/// Where the address of a peer comes from, and how often one may ask.
///
/// An address of IPv4 is one peer, and so is a network of 64 bits of IPv6. Many users may share one: the
/// quota keeps a machine from being busy with one address, and is no measure of a user. Requests of which
/// nobody knows the address share one quota.
///
/// # Examples
/// ```
/// use clearance::ForwardedBy;
/// use clearance::limit::{Peers, Quota};
///
/// // Clients connect to this server itself.
/// let direct = Peers::of_connections().limit(Quota::per_second(200));
///
/// // They connect to a proxy, which adds their address to `X-Forwarded-For`.
/// let proxies: Vec<clearance::Network> = vec!["10.0.0.0/8".parse()?];
/// let proxied = Peers::behind(proxies, ForwardedBy::XForwardedFor).limit(Quota::per_second(200));
/// # let _ = (direct, proxied);
/// # Ok::<(), clearance::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Peers {
    source: Source,
    quota: Option<Quota>,
}

impl Peers {
    /// The other end of the connection, by a [`PeerInfo`](crate::PeerInfo) in the request's extensions or
    /// axum's `ConnectInfo<SocketAddr>`.
    pub const fn of_connections() -> Self {
        Self {
            source: Source::connection(),
            quota: None,
        }
    }

    /// Where a connection comes from one of these networks, the last address that its field names and that
    /// is not in one of them; else the other end of the connection.
    ///
    /// What the field says is believed of these networks alone, so they must hold nothing but proxies, each
    /// of which must add the address that it was asked from.
    pub fn behind(proxies: impl Into<Vec<Network>>, by: ForwardedBy) -> Self {
        Self {
            source: Source::behind(proxies.into(), by),
            quota: None,
        }
    }

    /// How often one may ask, before its token is looked at. No limit unless said.
    #[must_use]
    pub const fn limit(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
        self
    }
}

/// What is known of peers.
#[derive(Debug)]
pub(crate) struct PeerLimits {
    source: Source,
    keyed: Option<Keyed>,
    hash_key: HashKey,
}

/// How many peers are remembered.
const MOST_PEERS: usize = 1 << 16;

impl PeerLimits {
    /// # Errors
    /// If the quota allows nothing, or more than can be counted.
    pub(crate) fn new(
        peers: Peers,
        clock: &Arc<dyn Clock>,
        hash_key: HashKey,
    ) -> Result<Self, QuotaError> {
        let keyed = peers
            .quota
            .map(|quota| Keyed::new(LimitedBy::Peer, quota, Table::new(MOST_PEERS), clock));
        Ok(Self {
            source: peers.source,
            keyed: keyed.transpose()?,
            hash_key,
        })
    }

    /// Who asks.
    pub(crate) fn peer(&self, parts: &Parts) -> PeerNetwork {
        self.source.peer(parts).unwrap_or(PeerNetwork::UNKNOWN)
    }

    /// Counts a request of a peer.
    pub(crate) fn charge(&self, peer: PeerNetwork) -> Result<(), NotUntil> {
        match &self.keyed {
            Some(keyed) => keyed.count(self.hash_key.of_bits(peer.bits())),
            None => Ok(()),
        }
    }
}
