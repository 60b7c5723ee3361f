//! Quotas for methods, by the values that name them.

use super::method::Method;
use crate::guard::GuardBuilder;
use crate::limit::{LimitedBy, Quota};
use crate::scope::Vocabulary;

impl<V: Vocabulary, St> GuardBuilder<V, St> {
    /// How often each principal may call a method, such as [`ToolsCall`](super::method::ToolsCall); see
    /// [`limit_tool`](Self::limit_tool) for where it is counted.
    ///
    /// # Examples
    /// ```
    /// use clearance::limit::Quota;
    /// use clearance::mcp::method::{CompletionComplete, ToolsCall};
    /// use clearance::{Guard, mcp::McpScopes};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    ///     .issuer("https://auth.example.com".parse()?)
    ///     .limit_method(ToolsCall, Quota::per_minute(120))
    ///     .limit_method(CompletionComplete, Quota::per_second(5))
    ///     .build()?;
    /// # let _ = guard;
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "methods are values of no size"
    )]
    pub fn limit_method<M: Method>(self, method: M, quota: Quota) -> Self {
        self.limit_named(LimitedBy::Method, method.name().into(), quota)
    }
}
