//! What can be said about the limits of a guard.

use std::sync::Arc;

use super::builder::GuardBuilder;
#[cfg(feature = "axum")]
use crate::limit::LimitedBy;
use crate::limit::{Limit, LimitSharing, LimitStore, Peers, Quota};
use crate::scope::Vocabulary;
#[cfg(feature = "axum")]
use crate::scope::{Declared, KnownTo, Scope};

impl<V: Vocabulary, St> GuardBuilder<V, St> {
    /// Limits each principal, or each client: a [`Quota`](crate::limit::Quota) alone is that of each
    /// [principal](crate::limit::per_principal). Said again of the same, it takes the place of what was said
    /// before.
    ///
    /// # Examples
    /// ```
    /// use clearance::limit::{Quota, per_client, per_principal};
    /// use clearance::{Guard, mcp::McpScopes};
    ///
    /// # #[cfg(all(feature = "axum", feature = "fetch"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    ///     .issuer("https://auth.example.com".parse()?)
    ///     .limit(per_principal(Quota::per_minute(600).burst(50)))
    ///     .limit(per_client(Quota::per_second(1_000)))
    ///     .limit_tool("export", Quota::per_hour(10))
    ///     .cost_of_tool("search", 5)
    ///     .calls_at_once(20)
    ///     .build()?;
    /// # let _ = guard;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(all(feature = "axum", feature = "fetch")))]
    /// # fn main() {}
    /// ```
    pub fn limit(mut self, limit: impl Into<Limit>) -> Self {
        let Limit {
            quota,
            is_of_client,
        } = limit.into();
        if is_of_client {
            self.settings.limits.client = Some(quota);
        } else {
            self.settings.limits.principal = Some(quota);
        }
        self
    }

    /// Limits no principal. Unless this is said, each has
    /// [`Quota::STANDARD`](crate::limit::Quota::STANDARD).
    pub fn unlimited(mut self) -> Self {
        self.settings.limits.principal = None;
        self
    }

    /// How often each principal may call the tool of this name, counted where it is decided about: by the
    /// authorization layer or the router, when it is known that the token has the scopes for it. A request
    /// that is refused for another reason takes nothing.
    ///
    /// A plain axum route has no tools, and its extractor charges the principal alone.
    #[cfg(feature = "axum")]
    pub fn limit_tool(self, tool: impl Into<Box<str>>, quota: Quota) -> Self {
        self.limit_named(LimitedBy::Tool, tool.into(), quota)
    }

    /// How often each principal may do what needs the scope `S`; see [`limit_tool`](Self::limit_tool) for
    /// where it is counted. What needs one of several scopes needs the first of them that its rule names.
    #[cfg(feature = "axum")]
    pub fn limit_scope<S: Declared + Scope + KnownTo<V>>(self, quota: Quota) -> Self {
        self.limit_named(LimitedBy::Scope, <S as Declared>::TEXT.into(), quota)
    }

    /// How often each principal may call the method of this name, for `mcp`, which knows the names.
    #[cfg(feature = "axum")]
    pub(crate) fn limit_named(mut self, by: LimitedBy, name: Box<str>, quota: Quota) -> Self {
        self.settings.limits.named.push((by, name, quota));
        self
    }

    /// How many requests of the principal's quota, and of the client's, a call of this tool counts for: one
    /// unless said. `build` refuses what is more than the quota's burst.
    #[cfg(feature = "axum")]
    pub fn cost_of_tool(mut self, tool: impl Into<Box<str>>, requests: u32) -> Self {
        self.settings.limits.costs.push((tool.into(), requests));
        self
    }

    /// How many requests of a principal may be worked on at once, each until the end of its answer. Streams
    /// are not among them. No limit unless said. Counted on each machine by itself, by the authorization
    /// layer and the router.
    #[cfg(feature = "axum")]
    pub fn calls_at_once(mut self, most: u32) -> Self {
        self.settings.limits.calls = Some(most);
        self
    }

    /// How many streams of a principal may be open at once: those that are opened by GET, and
    /// `subscriptions/listen`. No limit unless said. Counted on each machine by itself, by the authorization
    /// layer.
    #[cfg(feature = "axum")]
    pub fn streams_at_once(mut self, most: u32) -> Self {
        self.settings.limits.streams = Some(most);
        self
    }

    /// How many refusals of a principal are tolerated: 30 a minute, 30 at once, unless said. It is about
    /// calls that its token does not grant (`insufficient_scope`), and sessions that it names and did not
    /// begin.
    ///
    /// Beyond that it has a [`Penalty`](crate::limit::Penalty): while it runs, such a request gets 429, and
    /// when to come back, in place of 403 or 404. What the token grants goes on as before.
    pub fn refusal_budget(mut self, budget: Quota) -> Self {
        self.settings.limits.refusals = budget;
        self
    }

    /// Where the address of whoever asks comes from, how often one may ask before its token is looked at,
    /// and how often one may fail.
    pub fn peers(mut self, peers: Peers) -> Self {
        self.settings.peers = Some(peers);
        self
    }

    /// How many principals the limiter remembers at most: 65 536 unless said, rounded down to a
    /// power of two, four at least; each takes 16 bytes from the start. In a full table those who are
    /// farthest from their limit are forgotten first, and begin with a full quota when they come
    /// back. Zero is refused by `build`.
    pub fn max_principals(mut self, most: usize) -> Self {
        self.settings.limits.most_principals = most;
        self
    }

    /// Counts together with other machines. While the store cannot be asked, each machine counts for itself,
    /// so that a principal has its quota once on each of them.
    pub fn share_limits(mut self, store: impl LimitStore + 'static) -> Self {
        self.settings.limits.sharing = Some(LimitSharing::new(Arc::new(store), true));
        self
    }

    /// The same, and while the store cannot be asked, everybody gets 503.
    pub fn share_limits_or_refuse(mut self, store: impl LimitStore + 'static) -> Self {
        self.settings.limits.sharing = Some(LimitSharing::new(Arc::new(store), false));
        self
    }
}
