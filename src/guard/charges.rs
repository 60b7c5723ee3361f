//! What calls cost beside the request that they came with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::admitted::Admitted;
use super::settle::uncounted;
use crate::authorized::Authorized;
use crate::limit::{Bill, Call, Place, Slot};
use crate::refusal::Refusal;

impl Admitted {
    /// Whether somebody has to look at what a request asks for before it is decided about: its calls may
    /// cost something beside the request, or are limited in how many there are at once.
    pub(crate) fn has_prices(&self, is_batch: bool) -> bool {
        let limits = &self.guard.limits;
        !self.is_paid && (is_batch || limits.has_prices() || limits.counts_at_once())
    }

    /// Whether other machines have to be asked before these can be paid.
    pub(crate) fn is_asked_elsewhere(&self, bill: &Bill) -> bool {
        self.guard.limits.is_shared() && !bill.is_empty()
    }

    /// What these calls cost. Each is one that may pass otherwise.
    pub(crate) fn bill(&self, calls: &[Call<'_>]) -> Bill {
        self.guard.limits.bill(calls)
    }

    /// Pays without asking other machines.
    pub(crate) fn pay(&self, bill: &Bill) -> Result<(), Refusal> {
        let paid = self.guard.limits.pay(&self.verified, bill);
        paid.map_err(|not_until| self.refuse(not_until.into()))
    }

    /// The same, and asks them.
    pub(crate) async fn pay_everywhere(&self, bill: &Bill) -> Result<(), Refusal> {
        let paid = self.guard.limits.pay_everywhere(&self.verified, bill).await;
        paid.map_err(|why| self.refuse(uncounted(why, &self.verified)))
    }

    /// A place among what the principal does at once, until it is dropped; nothing where that is not
    /// limited, or somebody further outside has one.
    pub(crate) fn place(&self, place: Place) -> Result<Option<Arc<Slot>>, Refusal> {
        if self.is_paid {
            return Ok(None);
        }
        let slot = self.guard.limits.begin(place, &self.verified);
        let slot = slot.map_err(|not_until| self.refuse(not_until.into()))?;
        Ok(slot.map(Arc::new))
    }

    /// Holds the place for as long as this goes on.
    pub(crate) fn hold(&mut self, place: Option<Arc<Slot>>) {
        self.slot = place;
    }

    /// Whether nothing denies the caller, as far as is known without a word to anybody.
    pub(crate) fn may_pass(&self, now: DateTime<Utc>) -> bool {
        self.guard.deny.is_empty() || {
            let any = self.live(now).ok().and_then(|live| {
                let token = live.require_scope().ok()?;
                Some(Authorized::<()>::new(token, self.correlation()))
            });
            any.is_some_and(|any| !self.guard.deny.iter().any(|deny| deny(&any)))
        }
    }

    /// The same for whoever stands behind, who need not charge for the calls once more, and may hold it for
    /// longer than the call goes on.
    pub(crate) fn for_whoever_stands_behind(&self) -> Self {
        let mut behind = self.clone();
        behind.is_paid = true;
        behind.slot = None;
        behind
    }
}
