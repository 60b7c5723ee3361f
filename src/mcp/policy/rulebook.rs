//! What has rules for a policy.

use std::panic::Location;

use super::Policy;

mod sealed {
    use std::fmt;
    use std::sync::Arc;

    use crate::guard::Inner;
    use crate::mcp::Rule;

    /// The guard of a router.
    #[derive(Clone)]
    #[expect(unnameable_types, reason = "nobody else makes one")]
    pub struct OwnGuard(pub(crate) Arc<Inner>);

    impl fmt::Debug for OwnGuard {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("OwnGuard(..)")
        }
    }

    /// What has written down rules.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no rules for a policy",
        label = "only the library says what has"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait WritesRules<V> {
        fn rules(&self) -> &[Rule];

        /// Whose requests it takes.
        fn guard(&self) -> &OwnGuard;
    }
}

pub(crate) use sealed::{OwnGuard, WritesRules};

/// A router whose handlers' types are rules: those of [`rmcp`](crate::rmcp).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules for a policy",
    label = "not a `SecureToolRouter`, `SecurePromptRouter` or `SecureResourceRouter`",
    note = "the handlers of a plain router demand nothing, so there is no policy in them"
)]
pub trait Rulebook<V>: WritesRules<V> {}

#[diagnostic::do_not_recommend]
impl<V, R: WritesRules<V>> Rulebook<V> for R {}

impl<V> Policy<V> {
    /// The rules of a router, which its handlers' types have written, beside those that are there.
    ///
    /// A name that has two rules then is an error when the layer is built, and so is a router of another
    /// guard than the layer's.
    ///
    /// # Examples
    /// ```
    /// use clearance::Guard;
    /// use clearance::mcp::{McpScopes, Policy};
    /// use clearance::rmcp::SecureToolRouter;
    ///
    /// # struct Files;
    /// fn policy(tools: &SecureToolRouter<Files, McpScopes>) -> Policy<McpScopes> {
    ///     Policy::standard().include(tools)
    /// }
    /// ```
    #[track_caller]
    pub fn include(mut self, router: &impl Rulebook<V>) -> Self {
        self.rules.extend(router.rules().iter().cloned());
        self.routers
            .push((router.guard().clone(), Location::caller()));
        self.sort();
        self
    }
}
