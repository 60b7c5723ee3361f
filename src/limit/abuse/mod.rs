//! Who fails again and again, and what comes of it.
//!
//! | who | what counts | what a penalty takes |
//! | --- | --- | --- |
//! | a peer | tokens that are malformed, made up, or meant for others | tokens of which nobody knows anything wait once |
//! | a principal | refusals for want of scopes, and for sessions of others | these refusals wait |
//!
//! Nothing here refuses a token that was verified, or one that comes back after its wait: whoever shares an
//! address with an offender is late once and by seconds, and whoever is named by one is not.
//!
//! A token waits less long than the penalty of its peer lasts. What stops a flood is that each token has to
//! come twice; the length of the wait costs innocents more than whoever has tokens in stock.

mod deferral;
mod flood;
mod offender;
mod offenders;
mod record;
mod spread;
mod table;

pub use offender::{Offence, Offender, Penalty, PenaltyStats};
pub(crate) use spread::SpreadChoices;

use std::sync::Arc;
use std::time::Duration;

use self::deferral::Deferral;
use self::flood::Flood;
use self::offenders::{Offenders, Register};
use self::record::{Outcome, Running};
use self::spread::Spread;
use super::exceeded::Allowed;
use super::keyed::QuotaError;
use super::{LimitedBy, NotUntil, Quota};
use crate::event::{Event, Sink};
use crate::peer::{Network, PeerNetwork};
use crate::token::{Principal, Verified};

/// How many peers are remembered that failed.
const MOST_PEERS: usize = 1 << 15;
/// How many principals are remembered that were refused.
const MOST_PRINCIPALS: usize = 1 << 13;

/// What was said about the failures of peers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerChoices {
    pub(crate) failures: Quota,
    /// How long a token waits at most.
    pub(crate) longest_wait: Duration,
    /// Of all peers together, in a minute.
    pub(crate) most_failures: u32,
    pub(crate) spread: SpreadChoices,
}

/// Who shows which token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(super) peer: PeerNetwork,
    /// A keyed hash of the peer.
    pub(super) key: u64,
    /// A keyed hash of the token, if there is one that is looked at.
    pub(super) token: Option<u64>,
}

impl Sighting {
    pub(crate) const fn showing(mut self, token: Option<u64>) -> Self {
        self.token = token;
        self
    }
}

/// Who fails, at one guard. All moments are those of the monotonic clock.
#[derive(Debug)]
pub(crate) struct Abuse {
    register: Register,
    principals: Offenders,
    peers: Option<PeerAbuse>,
}

/// What is known of peers and of what they bring, where peers are known.
#[derive(Debug)]
struct PeerAbuse {
    offenders: Offenders,
    longest_wait: Duration,
    deferral: Deferral,
    spread: Spread,
    flood: Flood,
}

impl Abuse {
    /// # Errors
    /// If a budget allows nothing, or more than can be counted.
    pub(crate) fn new(
        probing: Quota,
        peers: Option<PeerChoices>,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, QuotaError> {
        let sound = |quota: Quota| quota.is_sound().then_some(quota).ok_or(QuotaError);
        let peers = peers.map(|choices| {
            if choices.spread.refuse == Some(0) || choices.longest_wait.is_zero() {
                return Err(QuotaError);
            }
            Ok(PeerAbuse {
                offenders: Offenders::new(sound(choices.failures)?, MOST_PEERS),
                longest_wait: choices.longest_wait,
                deferral: Deferral::new(),
                spread: Spread::new(choices.spread),
                flood: Flood::new(choices.most_failures),
            })
        });
        Ok(Self {
            register: Register::new(sink),
            principals: Offenders::new(sound(probing)?, MOST_PRINCIPALS),
            peers: peers.transpose()?,
        })
    }

    /// Whether a token of which nothing is known may be verified now.
    pub(crate) fn check(&self, seen: &Sighting, now: Duration) -> Result<(), NotUntil> {
        let (Some(peers), Some(token)) = (&self.peers, seen.token) else {
            return Ok(());
        };
        let Some(running) = peers.offenders.running(seen.key, now) else {
            return Ok(());
        };
        if peers.deferral.is_known(token, now) {
            return Ok(());
        }
        let wait = running.lasts.min(peers.longest_wait);
        let checked = peers.deferral.check(token, wait, now);
        checked.map_err(|wait| penalty(peers.offenders.budget(), wait))
    }

    /// Takes note of what a peer failed with.
    pub(crate) fn failed(&self, seen: &Sighting, offence: Offence, now: Duration) {
        let Some(peers) = &self.peers else {
            return;
        };
        if let Some(token) = seen.token {
            // Its key may have been withdrawn since.
            if peers.deferral.is_known(token, now) {
                return;
            }
            peers.deferral.failed(token);
        }
        let peer = || Offender::Peer(Network::from(seen.peer));
        self.note(&peers.offenders, (seen.key, peer), offence, now);
        if let Some(failures) = peers.flood.failed(now) {
            let sink = self.register.sink();
            sink.record(&Event::ManyFailures { failures });
        }
    }

    /// Remembers a token that was verified, which lives for so long.
    pub(crate) fn verified(&self, seen: &Sighting, lives: Duration, now: Duration) {
        if let (Some(peers), Some(token)) = (&self.peers, seen.token) {
            peers.deferral.keep(token, now.saturating_add(lives));
        }
    }

    /// Takes note of where a verified token comes from.
    pub(crate) fn spread(
        &self,
        seen: &Sighting,
        verified: &Verified,
        now: Duration,
    ) -> Result<(), NotUntil> {
        let (Some(peers), Some(token)) = (&self.peers, seen.token) else {
            return Ok(());
        };
        let spread = peers.spread.seen(token, seen.key, now);
        let most = peers.spread.most();
        if let Some(networks) = spread.report {
            let Principal { issuer, client, .. } = verified.principal();
            self.register.sink().record(&Event::TokenSpread {
                issuer,
                client,
                networks,
                is_refused: most.is_some(),
            });
        }
        match (spread.refused, most) {
            (Some(wait), Some(most)) => Err(NotUntil {
                by: LimitedBy::Networks,
                allowed: Allowed::Quota(Quota::per_minute(most)),
                wait,
            }),
            _ => Ok(()),
        }
    }

    /// Takes note of what a principal is refused for; while it has a penalty, it is told to wait instead.
    pub(crate) fn refused(
        &self,
        verified: &Verified,
        offence: Offence,
        now: Duration,
    ) -> Result<(), NotUntil> {
        let who = || {
            let Principal {
                issuer,
                subject,
                client,
            } = verified.principal().clone();
            Offender::Principal {
                issuer,
                subject,
                client,
            }
        };
        let by = (verified.principal_key(), who);
        match self.note(&self.principals, by, offence, now) {
            Some(running) => Err(penalty(self.principals.budget(), running.left)),
            None => Ok(()),
        }
    }

    /// Takes note of a failure, and gives the penalty that runs.
    fn note(
        &self,
        offenders: &Offenders,
        (key, who): (u64, impl FnOnce() -> Offender),
        offence: Offence,
        now: Duration,
    ) -> Option<Running> {
        let (outcome, who) = offenders.failed(key, now, who);
        match outcome {
            Outcome::Tolerated => None,
            Outcome::Runs(running) => Some(running),
            Outcome::Begins(running) => {
                if let Some(who) = who {
                    self.register.begins(who, offence, running, now);
                }
                Some(running)
            }
        }
    }

    /// Forgets what `offender` did, or what all did; and says how many penalties ended by that.
    pub(crate) fn lift(&self, offender: Option<&Offender>, now: Duration) -> usize {
        self.register.lift(offender);
        let peers = self.peers.as_ref();
        let peers = peers.map_or(0, |peers| peers.offenders.lift(offender, now));
        peers.saturating_add(self.principals.lift(offender, now))
    }

    pub(crate) fn stats(&self, now: Duration) -> PenaltyStats {
        let peers = self.peers.as_ref();
        let (failures, floods) = peers.map_or((0, 0), |peers| peers.flood.totals());
        PenaltyStats {
            peers: peers.map_or(0, |peers| peers.offenders.count(now)),
            principals: self.principals.count(now),
            total: self.register.total(),
            failures,
            floods,
            spread_tokens: peers.map_or(0, |peers| peers.spread.reported()),
            latest: self.register.penalties(now),
        }
    }
}

/// What is said to whoever has to wait.
const fn penalty(budget: Quota, wait: Duration) -> NotUntil {
    NotUntil {
        by: LimitedBy::Penalty,
        allowed: Allowed::Quota(budget),
        wait,
    }
}
