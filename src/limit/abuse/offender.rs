//! Who misbehaves, and how.

use std::fmt;
use std::time::Duration;

use crate::id::{ClientId, Issuer, Subject};
use crate::peer::Network;

/// What counts as a failure.
///
/// A request without a token does not, nor does an expired token that is genuine, a revoked one, one that was
/// verified here before, or one that its issuer was asked about: nobody can tell an expired opaque token from
/// one that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Offence {
    /// A token that its issuer's key did not sign.
    BadSignature,
    /// A genuine token that is meant for another resource, or is no access token.
    ForeignAudience,
    /// Something in the place of a token that is none.
    MalformedToken,
    /// A principal that asks for what its token does not grant.
    ScopeProbing,
    /// A principal that names sessions which it did not begin.
    SessionGuessing,
    /// A token of an issuer that is not trusted.
    UnknownIssuer,
    /// A token that names a key which its issuer does not publish.
    UnknownKey,
}

impl Offence {
    /// A stable code, for logs.
    ///
    /// # Examples
    /// ```
    /// use clearance::limit::Offence;
    ///
    /// assert_eq!(Offence::BadSignature.as_str(), "bad_signature");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::ForeignAudience => "foreign_audience",
            Self::MalformedToken => "malformed_token",
            Self::ScopeProbing => "scope_probing",
            Self::SessionGuessing => "session_guessing",
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnknownKey => "unknown_key",
        }
    }
}

/// Who misbehaves: what a penalty is for, and what it is [lifted](crate::Guard::lift_penalty) from.
///
/// # Examples
/// ```
/// use clearance::limit::Offender;
///
/// let offender = Offender::Peer("192.0.2.7".parse()?);
/// assert_eq!(offender.to_string(), "192.0.2.7");
/// # Ok::<(), clearance::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Offender {
    /// An address of IPv4, or a network of 64 bits of IPv6; `0.0.0.0` stands for all of whom nobody knows
    /// the address.
    Peer(Network),
    /// An issuer's subject, with one client.
    Principal {
        /// Who vouches for it.
        issuer: Issuer,
        /// Whom its tokens speak of.
        subject: Subject,
        /// To whom they were issued.
        client: ClientId,
    },
}

/// The subject is left out: who reads logs need not know it.
impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(network) => network.fmt(f),
            Self::Principal { issuer, client, .. } => {
                write!(f, "a subject of {issuer}, with {client}")
            }
        }
    }
}

impl Offender {
    /// Whether whoever says `self` means `other`: a network means all addresses in it.
    pub(super) fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Peer(network), Self::Peer(peer)) => network.meets(peer),
            _ => self == other,
        }
    }
}

/// A penalty: while it runs, less is forgiven.
///
/// A peer's tokens that nobody has verified yet have to wait once before their signature is checked: see
/// [`Peers`](crate::limit::Peers). A principal is told to wait instead of why it is refused. What is in order
/// otherwise goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Penalty {
    /// Who has it.
    pub offender: Offender,
    /// The failure for which its budget did not suffice.
    pub reason: Offence,
    /// 0 for a first one, which lasts a second. Each level lasts twice as long as the one before, up to a
    /// minute at level 6; with each minute without a penalty it goes down by one.
    pub level: u32,
    /// How long it goes on from now; nothing if it is over.
    pub left: Duration,
}

/// Who misbehaved, in numbers. See [`Health::penalties`](crate::Health::penalties).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PenaltyStats {
    /// How many peers have a penalty that runs.
    pub peers: usize,
    /// How many principals have one.
    pub principals: usize,
    /// How many penalties began since the guard was made.
    pub total: u64,
    /// How many failures of peers were counted, within their budget or beyond it.
    pub failures: u64,
    /// In how many minutes there were so many of them that it was reported.
    pub floods: u64,
    /// How often it was reported that one token came from many networks.
    pub spread_tokens: u64,
    /// The latest 32 penalties, the last one of each offender, from the oldest on. Those that were lifted are
    /// not among them.
    pub latest: Vec<Penalty>,
}
