//! How much a caller may ask.
//!
//! | what is limited | by | unless said |
//! | --- | --- | --- |
//! | requests of a principal: an issuer's subject with one client | [`per_principal`], or a [`Quota`] alone | [`Quota::STANDARD`] |
//! | requests of a client, whomever it speaks for | [`per_client`] | no limit |
//! | calls of a method, a tool, or what needs a scope, of each principal | `limit_method`, `limit_tool`, `limit_scope` of the builder | no limit |
//! | what a call takes of the principal's quota | `cost_of_tool` | 1 |
//! | calls, and open streams, of a principal at once | `calls_at_once`, `streams_at_once` | no limit |
//! | requests of an address, before its token is looked at | [`Peers`] | no limit |
//! | failures of an address: tokens that are malformed, made up, or meant for others | [`Peers::failure_budget`] | where there are peers, 12 a minute, 20 at once |
//! | networks that one token comes from | [`Peers::report_tokens_from_more_than`] | where there are peers, 8 a minute are not reported |
//! | refusals of a principal, for want of scopes or for a session that is not its own | `refusal_budget` of the builder | 30 a minute, 30 at once |
//!
//! Who fails more often has a [`Penalty`], which is no end: see [`Peers`] for what it takes, and
//! [`Guard::lift_penalty`](crate::Guard::lift_penalty).
//!
//! Who asks too often is told so with 429, and when to come back: see [`NotUntil`]. The arithmetic (GCRA) is
//! `governor`'s. What is ours: keys are verified principals and nothing that a caller can choose, and there is
//! a bounded number of them. A request that one quota refuses has been counted by those that were looked at
//! before.
//!
//! Layer L3.

mod abuse;
#[cfg(feature = "axum")]
mod at_once;
mod bill;
mod exceeded;
mod keyed;
mod limits;
mod peers;
mod quota;
mod shared;
mod store;

pub use abuse::{Offence, Offender, Penalty, PenaltyStats};
pub use exceeded::{LimitedBy, NotUntil};
pub use peers::Peers;
pub use quota::Quota;
pub use shared::{Charge, Counted, LimitStore, LimitsUnavailable, Verdict};

pub(crate) use abuse::{Abuse, Sighting};
#[cfg(feature = "axum")]
pub(crate) use at_once::Slot;
#[cfg(feature = "axum")]
pub(crate) use bill::{Bill, Call};
pub(crate) use exceeded::whole_seconds;
pub(crate) use limits::{LimitChoices, Limits, Uncounted};
pub(crate) use peers::PeerLimits;
pub(crate) use shared::LimitSharing;

/// A quota, and for whom it is.
///
/// # Examples
/// ```
/// use clearance::limit::{Quota, per_client, per_principal};
/// use clearance::{Guard, mcp::McpScopes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .limit(per_principal(Quota::per_minute(600).burst(50)))
///     .limit(per_client(Quota::per_second(1_000)))
///     .build()?;
/// # let _ = guard;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub(crate) quota: Quota,
    pub(crate) is_of_client: bool,
}

/// Limits each principal: an issuer's subject together with a client. Someone who uses several clients has a
/// quota with each. A [`Quota`] alone means the same.
pub const fn per_principal(quota: Quota) -> Limit {
    Limit {
        quota,
        is_of_client: false,
    }
}

/// Limits each client of an issuer, whomever it speaks for. It is looked at after the principal's own quota.
pub const fn per_client(quota: Quota) -> Limit {
    Limit {
        quota,
        is_of_client: true,
    }
}

impl From<Quota> for Limit {
    fn from(quota: Quota) -> Self {
        per_principal(quota)
    }
}
