//! What has rules for a policy.

use super::Policy;

mod sealed {
    use crate::mcp::Rule;

    /// What has written down rules.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no rules for a policy over `{V}`",
        label = "only the library says what has"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait WritesRules<V> {
        fn rules(&self) -> &[Rule];
    }
}

pub(crate) use sealed::WritesRules;

/// A router whose handlers' types are rules: those of [`rmcp`](crate::rmcp).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules for a policy over `{V}`",
    label = "not a `SecureToolRouter`, `SecurePromptRouter` or `SecureResourceRouter` over `{V}`",
    note = "the handlers of a plain router demand nothing, so there is no policy in them"
)]
pub trait Rulebook<V>: WritesRules<V> {}

#[diagnostic::do_not_recommend]
impl<V, R: WritesRules<V>> Rulebook<V> for R {}

impl<V> Policy<V> {
    /// The rules of a router, which its handlers' types have written, beside those that are there.
    ///
    /// A name that has two rules then is an error when the layer is built.
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
    pub fn include(mut self, router: &impl Rulebook<V>) -> Self {
        self.rules.extend(router.rules().iter().cloned());
        self.sort();
        self
    }
}
