//! What the calls of a request cost.

#![cfg_attr(
    not(feature = "axum"),
    expect(dead_code, reason = "only layers and routers know calls")
)]

use std::num::NonZeroU32;

use super::LimitedBy;

/// A call, as far as quotas are about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'c> {
    pub(crate) method: &'c str,
    pub(crate) tool: Option<&'c str>,
    /// The scopes that it needs.
    pub(crate) scopes: &'c [&'static str],
}

impl Call<'_> {
    /// A call of which nothing is known that a quota is about.
    pub(crate) const UNKNOWN: Self = Call {
        method: "",
        tool: None,
        scopes: &[],
    };

    /// Whether a quota of this kind and name is about it.
    pub(super) fn is_about(&self, by: LimitedBy, name: &str) -> bool {
        match by {
            LimitedBy::Method => self.method == name,
            LimitedBy::Tool => self.tool == Some(name),
            LimitedBy::Scope => self.scopes.contains(&name),
            LimitedBy::Peer
            | LimitedBy::Principal
            | LimitedBy::Client
            | LimitedBy::Calls
            | LimitedBy::Streams
            | LimitedBy::Penalty
            | LimitedBy::Networks => false,
        }
    }
}

/// Whose quota is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Principal,
    Client,
    /// The one at this place of the quotas for methods, tools and scopes.
    Named(usize),
}

/// How much is charged to whose quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bill(Vec<(Account, NonZeroU32)>);

impl Bill {
    /// One request, of which is not known yet what it asks for.
    pub(super) fn of_one() -> Self {
        let one = NonZeroU32::MIN;
        Self(vec![(Account::Principal, one), (Account::Client, one)])
    }

    pub(super) fn add(&mut self, account: Account, units: u32) {
        let Some(units) = NonZeroU32::new(units) else {
            return;
        };
        match self.0.iter_mut().find(|(known, _)| *known == account) {
            Some((_, known)) => *known = known.saturating_add(units.get()),
            None => self.0.push((account, units)),
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (Account, NonZeroU32)> {
        self.0.iter().copied()
    }

    /// Whether nothing is to be paid.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
