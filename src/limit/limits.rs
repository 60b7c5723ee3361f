//! All that a guard limits.

use std::num::NonZeroU32;
use std::sync::Arc;

#[cfg(feature = "axum")]
use super::at_once::{AtOnce, Place, Slot};
#[cfg(feature = "axum")]
use super::bill::Call;
use super::bill::{Account, Bill};
use super::keyed::{Keyed, QuotaError};
use super::shared::{Charge, LimitSharing, Verdict, Watched};
use super::store::Table;
use super::{LimitedBy, LimitsUnavailable, NotUntil, Quota};
use crate::clock::Clock;
use crate::event::Sink;
use crate::token::{AudienceVerified, HashKey, Live, Permit, Token, Verified};

/// What was said about a guard's limits.
#[derive(Clone, Debug)]
pub(crate) struct LimitChoices {
    /// Nothing where each principal may ask as often as it likes.
    pub(crate) principal: Option<Quota>,
    pub(crate) client: Option<Quota>,
    pub(crate) named: Vec<(LimitedBy, Box<str>, Quota)>,
    /// What a tool costs.
    #[cfg(feature = "axum")]
    pub(crate) costs: Vec<(Box<str>, u32)>,
    #[cfg(feature = "axum")]
    pub(crate) calls: Option<u32>,
    #[cfg(feature = "axum")]
    pub(crate) streams: Option<u32>,
    pub(crate) most_principals: usize,
    /// How many refusals of a principal are tolerated.
    pub(crate) refusals: Quota,
    pub(crate) sharing: Option<LimitSharing>,
}

impl Default for LimitChoices {
    fn default() -> Self {
        Self {
            principal: Some(Quota::STANDARD),
            client: None,
            named: Vec::new(),
            #[cfg(feature = "axum")]
            costs: Vec::new(),
            #[cfg(feature = "axum")]
            calls: None,
            #[cfg(feature = "axum")]
            streams: None,
            most_principals: 1 << 16,
            refusals: Quota::per_minute(30),
            sharing: None,
        }
    }
}

/// Why a request was not counted as one that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncounted {
    Beyond(NotUntil),
    /// The store cannot be asked, and nobody is let in without it.
    Unavailable(LimitsUnavailable),
}

impl From<NotUntil> for Uncounted {
    fn from(not_until: NotUntil) -> Self {
        Self::Beyond(not_until)
    }
}

/// The limits of one guard.
#[derive(Debug)]
pub(crate) struct Limits {
    principal: Option<Keyed>,
    client: Option<Keyed>,
    named: Vec<Named>,
    #[cfg(feature = "axum")]
    costs: Vec<(Box<str>, NonZeroU32)>,
    #[cfg(feature = "axum")]
    calls: Option<AtOnce>,
    #[cfg(feature = "axum")]
    streams: Option<AtOnce>,
    sharing: Option<Watched>,
    hash_key: HashKey,
}

/// The quota of each principal for one method, tool or scope.
#[derive(Debug)]
struct Named {
    name: Box<str>,
    /// Keeps the quotas apart that share a table.
    salt: u64,
    keyed: Keyed,
}

/// So many units of one quota.
struct Line<'s> {
    keyed: &'s Keyed,
    /// Whose, in the table of this machine.
    key: u64,
    /// Of which method, tool or scope, for other machines.
    name: &'s str,
    units: NonZeroU32,
}

/// The most principals that are remembered, whatever is asked for: their places are laid out when
/// the guard is made.
const MOST_PRINCIPALS: usize = 1 << 24;

impl Limits {
    /// # Errors
    /// If one of them allows nothing, or more than can be counted, or less than one call costs.
    pub(crate) fn new(
        choices: LimitChoices,
        clock: &Arc<dyn Clock>,
        sink: Arc<dyn Sink>,
        hash_key: HashKey,
    ) -> Result<Self, QuotaError> {
        let counts = choices.principal.or(choices.client).is_some() || !choices.named.is_empty();
        if choices.most_principals == 0 && counts {
            return Err(QuotaError);
        }
        #[cfg(feature = "axum")]
        if [choices.calls, choices.streams].contains(&Some(0)) {
            return Err(QuotaError);
        }
        let most = choices.most_principals.min(MOST_PRINCIPALS);
        let one = |by, quota: Option<Quota>| {
            let keyed = quota.map(|quota| Keyed::new(by, quota, Table::new(most), clock));
            keyed.transpose()
        };
        let principal = one(LimitedBy::Principal, choices.principal)?;
        let client = one(LimitedBy::Client, choices.client)?;
        let named = Named::all(choices.named, most, clock, &hash_key)?;
        Ok(Self {
            named,
            #[cfg(feature = "axum")]
            costs: costs(choices.costs, [&principal, &client])?,
            principal,
            client,
            #[cfg(feature = "axum")]
            calls: choices
                .calls
                .map(|most| AtOnce::new(LimitedBy::Calls, most)),
            #[cfg(feature = "axum")]
            streams: choices
                .streams
                .map(|most| AtOnce::new(LimitedBy::Streams, most)),
            sharing: choices
                .sharing
                .map(|sharing| sharing.watched(Arc::clone(clock), sink)),
            hash_key,
        })
    }

    /// Whether other machines count as well, so that they have to be waited for.
    pub(crate) const fn is_shared(&self) -> bool {
        self.sharing.is_some()
    }

    /// Charges the token's principal and client for one request, where no other machine is asked.
    pub(crate) fn charge(
        &self,
        live: Live<Token<AudienceVerified>>,
    ) -> Result<Permit<Live<Token<AudienceVerified>>>, NotUntil> {
        let verified = live.of().verified();
        if let Some(principal) = &self.principal {
            principal.count(verified.principal_key())?;
        }
        if let Some(client) = &self.client {
            client.count(self.client_key(verified))?;
        }
        Ok(Permit::attest(live))
    }

    /// The same, and asks the other machines.
    pub(crate) async fn charge_everywhere(
        &self,
        live: Live<Token<AudienceVerified>>,
    ) -> Result<Permit<Live<Token<AudienceVerified>>>, Uncounted> {
        self.pay_everywhere(live.of().verified(), &Bill::of_one())
            .await?;
        Ok(Permit::attest(live))
    }

    /// Pays on this machine. Where it does not suffice, what was paid before stays paid.
    pub(crate) fn pay(&self, verified: &Verified, bill: &Bill) -> Result<(), NotUntil> {
        for line in self.lines(verified, bill) {
            let counted = line.keyed.count_many(line.key, line.units);
            counted.map_err(|not_until| bill.told(line.keyed, not_until.wait))?;
        }
        Ok(())
    }

    /// Pays on this machine, and then where all machines do: whoever has used up here what there is
    /// everywhere costs nobody a question.
    pub(crate) async fn pay_everywhere(
        &self,
        verified: &Verified,
        bill: &Bill,
    ) -> Result<(), Uncounted> {
        self.pay(verified, bill)?;
        let Some(sharing) = &self.sharing else {
            return Ok(());
        };
        let lines: Vec<Line<'_>> = self.lines(verified, bill).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let charge = |line: &Line<'_>| {
            let (by, quota) = (line.keyed.by(), line.keyed.quota());
            Charge::new(by, verified, line.name, quota, line.units)
        };
        let charges: Vec<Charge> = lines.iter().map(charge).collect();
        match sharing.count(&charges).await {
            Ok(Verdict::Within) => Ok(()),
            Ok(Verdict::Beyond { place, wait }) => match lines.get(place) {
                Some(line) => Err(bill.told(line.keyed, wait).into()),
                None => Ok(()),
            },
            Err(_) if sharing.goes_on => Ok(()),
            Err(unavailable) => Err(Uncounted::Unavailable(unavailable)),
        }
    }

    /// What is to be paid, by whose quota.
    fn lines<'s>(
        &'s self,
        verified: &'s Verified,
        bill: &'s Bill,
    ) -> impl Iterator<Item = Line<'s>> {
        let line = |keyed, key, name, units| Line {
            keyed,
            key,
            name,
            units,
        };
        bill.lines().filter_map(move |(account, units)| {
            Some(match account {
                Account::Principal => {
                    let principal = self.principal.as_ref()?;
                    line(principal, verified.principal_key(), "", units)
                }
                Account::Client => {
                    let client = self.client.as_ref()?;
                    line(client, self.client_key(verified), "", units)
                }
                Account::Named(place) => {
                    let Named { name, salt, keyed } = self.named.get(place)?;
                    line(keyed, verified.principal_key() ^ salt, name, units)
                }
            })
        })
    }

    fn client_key(&self, verified: &Verified) -> u64 {
        let principal = verified.principal();
        let (issuer, client) = (principal.issuer.as_str(), principal.client.as_str());
        self.hash_key.of_parts(&[issuer, client])
    }

    /// Whether all machines count together at the moment, if they shall, and whether requests go on while
    /// they do not.
    pub(crate) fn sharing(&self) -> Option<(bool, bool)> {
        let sharing = self.sharing.as_ref()?;
        Some((sharing.is_current(), sharing.goes_on))
    }
}

#[cfg(feature = "axum")]
impl Limits {
    /// Whether some calls cost more than the request that they came with.
    pub(crate) fn has_prices(&self) -> bool {
        !self.named.is_empty() || !self.costs.is_empty()
    }

    /// Whether what happens at once is limited.
    pub(crate) const fn counts_at_once(&self) -> bool {
        self.calls.is_some() || self.streams.is_some()
    }

    /// What these calls of one request cost, beside the request itself. Each names what it asks for, and is
    /// one that may pass otherwise.
    pub(crate) fn bill(&self, calls: &[Call<'_>]) -> Bill {
        let cost = |call: &Call<'_>| {
            let mut costs = self.costs.iter();
            let cost = costs.find(|(tool, _)| Some(&**tool) == call.tool);
            cost.map_or(1, |(_, cost)| cost.get())
        };
        let requests = calls.iter().map(cost).fold(0, u32::saturating_add);
        // One was paid before it was known what it asks for.
        let more = requests.saturating_sub(1);
        let mut bill = Bill::of_more();
        // What ends most requests first: what stands behind it is not paid then.
        bill.add(Account::Principal, more);
        bill.add(Account::Client, more);
        for call in calls {
            for (place, named) in self.named.iter().enumerate() {
                if call.is_about(named.keyed.by(), &named.name) {
                    bill.add(Account::Named(place), 1);
                }
            }
        }
        bill
    }

    /// A place among what the principal does at once; nothing where that is not limited.
    pub(crate) fn begin(
        &self,
        place: Place,
        verified: &Verified,
    ) -> Result<Option<Slot>, NotUntil> {
        let limit = match place {
            Place::None => None,
            Place::Call => self.calls.as_ref(),
            Place::Stream => self.streams.as_ref(),
        };
        let slot = limit.map(|limit| limit.take(verified.principal_key()));
        slot.transpose()
    }
}

/// What tools cost, each no more than a quota allows at once.
#[cfg(feature = "axum")]
fn costs(
    costs: Vec<(Box<str>, u32)>,
    quotas: [&Option<Keyed>; 2],
) -> Result<Vec<(Box<str>, NonZeroU32)>, QuotaError> {
    let most = quotas.into_iter().flatten();
    let most = most.map(|keyed| keyed.quota().at_once()).min();
    let mut known: Vec<Box<str>> = Vec::new();
    let sound = costs.into_iter().map(|(tool, cost)| {
        if known.contains(&tool) {
            return Err(QuotaError);
        }
        known.push(tool.clone());
        let cost = NonZeroU32::new(cost).filter(|_| most.is_none_or(|most| cost <= most));
        cost.map(|cost| (tool, cost)).ok_or(QuotaError)
    });
    sound.collect()
}

impl Named {
    fn all(
        named: Vec<(LimitedBy, Box<str>, Quota)>,
        most: usize,
        clock: &Arc<dyn Clock>,
        hash_key: &HashKey,
    ) -> Result<Vec<Self>, QuotaError> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let table = Table::new(most);
        let mut all: Vec<Self> = Vec::with_capacity(named.len());
        for (by, name, quota) in named {
            let is_known = |known: &Self| known.keyed.by() == by && known.name == name;
            if all.iter().any(is_known) {
                return Err(QuotaError);
            }
            all.push(Self {
                salt: hash_key.of_parts(&[by.as_str(), &name]),
                keyed: Keyed::new(by, quota, table.clone(), clock)?,
                name,
            });
        }
        Ok(all)
    }
}
