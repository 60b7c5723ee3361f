//! Addresses, before anybody looks at a token.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::abuse::{PeerChoices, Sighting, SpreadChoices};
use super::keyed::{Keyed, QuotaError};
use super::store::Table;
use super::{LimitedBy, NotUntil, Quota};
use crate::clock::Clock;
use crate::peer::{ForwardedBy, Network, PeerNetwork, Source};
use crate::token::HashKey;

/// Where the address of a peer comes from, how often one may ask, and how often one may fail.
///
/// An address of IPv4 is one peer, and so is a network of 64 bits of IPv6. Many users may share one: the
/// quota keeps a machine from being busy with one address, and is no measure of a user. Requests of which
/// nobody knows the address are those of one peer.
///
/// A guard that knows its peers counts their failures: tokens that are malformed, made up, or meant for
/// others (see [`Offence`](super::Offence)). Who has used up its [budget](Self::failure_budget) has a
/// [`Penalty`](super::Penalty), which is reported. While it runs, a token from there of which this guard knows
/// nothing gets 429 once; when it comes back after the time that the answer names, it is checked. The wait is
/// as long as the penalty, and [five seconds](Self::longest_wait) at most.
///
/// # Proves
/// Nobody is locked out by the failures of others. A token that was verified here is served until it expires,
/// whoever shares its address. A new one is told to wait at most once if it comes back within the minute after
/// its wait, even from another address, as long as it has not failed itself.
///
/// # Does not prove
/// That the signatures of a flood are not checked: each costs whoever makes it up two requests and the wait,
/// and how many requests an address may make is [`limit`](Self::limit). While 65 536 tokens wait, there is no
/// place for others: a hundred of these a second are checked at once, and the rest come back unknown. Whoever has many addresses has the budget of each: see
/// [`report_failures_beyond`](Self::report_failures_beyond). Each machine counts for itself.
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
    choices: PeerChoices,
}

/// What is tolerated unless something else is said.
const CHOICES: PeerChoices = PeerChoices {
    failures: Quota::per_minute(12).burst(20),
    longest_wait: Duration::from_secs(5),
    most_failures: 600,
    spread: SpreadChoices {
        report: 8,
        refuse: None,
    },
};

impl Peers {
    /// The other end of the connection, by a [`PeerInfo`](crate::PeerInfo) in the request's extensions or
    /// axum's `ConnectInfo<SocketAddr>`.
    pub const fn of_connections() -> Self {
        Self {
            source: Source::connection(),
            quota: None,
            choices: CHOICES,
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
            choices: CHOICES,
        }
    }

    /// How often one may ask, before its token is looked at. No limit unless said.
    #[must_use]
    pub const fn limit(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
        self
    }

    /// How many failures of a peer are tolerated: 12 a minute, 20 at once, unless said.
    #[must_use]
    pub const fn failure_budget(mut self, budget: Quota) -> Self {
        self.choices.failures = budget;
        self
    }

    /// How long a new token has to wait at most, behind the address of whoever fails: five seconds unless
    /// said, and never longer than the penalty lasts, which is a minute at most. `build` refuses zero.
    ///
    /// Cost: the longer it is, the fewer signatures of those who try the same tokens again and again are
    /// checked, and the later are innocents with whom they share an address.
    #[must_use]
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.choices.longest_wait = wait;
        self
    }

    /// Beyond how many failures a minute, of all peers together, it is reported that somebody tries from
    /// many addresses: 600 unless said. Nobody has a penalty for that.
    #[must_use]
    pub const fn report_failures_beyond(mut self, a_minute: u32) -> Self {
        self.choices.most_failures = a_minute;
        self
    }

    /// From how many peers one token may come within a minute before that is reported, as it is once a
    /// minute: 8 unless said. A hosted client may call from many addresses.
    #[must_use]
    pub const fn report_tokens_from_more_than(mut self, peers: u8) -> Self {
        self.choices.spread.report = peers;
        self
    }

    /// From how many peers one token may come within a minute: those that come later get 429 until it is
    /// over. Nobody is refused for that unless it is said. `build` refuses zero.
    ///
    /// Cost: whoever has stolen a token, and uses it from so many addresses, keeps its owner out for that
    /// minute.
    #[must_use]
    pub const fn refuse_tokens_from_more_than(mut self, peers: u8) -> Self {
        self.choices.spread.refuse = Some(peers);
        self
    }

    pub(crate) const fn choices(&self) -> PeerChoices {
        self.choices
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
    pub(crate) fn sighting(&self, parts: &Parts) -> Sighting {
        let peer = self.source.peer(parts).unwrap_or(PeerNetwork::UNKNOWN);
        Sighting {
            peer,
            key: self.hash_key.of_bits(peer.bits()),
            token: None,
        }
    }

    /// Counts a request of a peer.
    pub(crate) fn charge(&self, seen: &Sighting) -> Result<(), NotUntil> {
        match &self.keyed {
            Some(keyed) => keyed.count(seen.key),
            None => Ok(()),
        }
    }
}
