//! What is said to whoever asks too often.

use std::time::Duration;

use super::Quota;

/// What was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitedBy {
    /// The quota of an address, before anybody looks at a token.
    Peer,
    /// The quota of a principal: a subject of an issuer, with one client.
    Principal,
    /// The quota of a client, whomever it speaks for.
    Client,
    /// The principal's quota for a method of MCP.
    Method,
    /// The principal's quota for a tool.
    Tool,
    /// The principal's quota for what needs a scope.
    Scope,
    /// How many calls of a principal may run at once.
    Calls,
    /// How many streams of a principal may be open at once.
    Streams,
    /// The failures that are tolerated: see [`Penalty`](super::Penalty).
    Penalty,
    /// From how many networks one token may come in a minute.
    Networks,
}

impl LimitedBy {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Peer,
        Self::Principal,
        Self::Client,
        Self::Method,
        Self::Tool,
        Self::Scope,
        Self::Calls,
        Self::Streams,
        Self::Penalty,
        Self::Networks,
    ];

    /// The name of the policy in `RateLimit` and `RateLimit-Policy`, and the label of metrics.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(clearance::limit::LimitedBy::Tool.as_str(), "tool");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Principal => "principal",
            Self::Client => "client",
            Self::Method => "method",
            Self::Tool => "tool",
            Self::Scope => "scope",
            Self::Calls => "calls",
            Self::Streams => "streams",
            Self::Penalty => "penalty",
            Self::Networks => "networks",
        }
    }
}

/// Too many requests: what was used up, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct NotUntil {
    pub(super) by: LimitedBy,
    pub(super) allowed: Allowed,
    pub(super) wait: Duration,
}

/// What is allowed, where it is not more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "axum"),
    expect(dead_code, reason = "only layers and routers know when something ends")
)]
pub(super) enum Allowed {
    Quota(Quota),
    AtOnce(u32),
}

impl NotUntil {
    /// How long to wait until the same request passes, if no other comes before it.
    pub const fn wait(&self) -> Duration {
        self.wait
    }

    /// What was used up.
    pub const fn limited_by(&self) -> LimitedBy {
        self.by
    }

    /// How much of it there is: requests (or their cost) in the [window](Self::window), or calls or streams
    /// at once.
    pub const fn quota(&self) -> u32 {
        match self.allowed {
            Allowed::Quota(quota) => quota.count(),
            Allowed::AtOnce(most) => most,
        }
    }

    /// In which time; nothing where it is about what happens at once.
    pub const fn window(&self) -> Option<Duration> {
        match self.allowed {
            Allowed::Quota(quota) => Some(quota.window()),
            Allowed::AtOnce(_) => None,
        }
    }

    /// [`wait`](Self::wait) in whole seconds, one at least.
    pub(crate) fn seconds(&self) -> u64 {
        whole_seconds(self.wait)
    }
}

/// One at least. Rounded up: who waits that long must not come a moment too early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    let more = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(more).max(1)
}
