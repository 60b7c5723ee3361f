//! Tools.

use std::panic::Location;

use ::rmcp::ErrorData;
use ::rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use ::rmcp::handler::server::tool::{CallToolHandler, ToolCallContext};
use ::rmcp::model::{CallToolResponse, ListToolsResult, Tool};
use ::rmcp::service::{RequestContext, RoleServer};

use super::entries::secure_router;
use super::signature::{First, ToolKind};
use super::{private_to, visit};
use crate::mcp::ProofFor;
use crate::mcp::proof::Proves;
use crate::scope::Vocabulary;

secure_router! {
    /// rmcp's tool router, of whose tools each takes a proof first.
    ///
    /// What a tool's first parameter demands is the tool's policy: [`Policy::include`] takes it into that
    /// of the layer. The router checks it once more before it calls, so a handler that claims a proof and
    /// does without gains nothing. It stands where rmcp's own stands: `#[tool_handler(router = self.tools)]`.
    ///
    /// # Proves
    /// A tool runs only for a request that this router's guard let in, by a token that grants what the
    /// tool's first parameter says.
    ///
    /// # Does not prove
    /// That all tools of the server are in it: a `ServerHandler` can answer `tools/call` in other ways.
    /// The layer's policy names those of this router, and closes all others.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::{McpScopes, ToolsExecute};
    /// use clearance::rmcp::SecureToolRouter;
    /// use clearance::{Authorized, Guard};
    /// use rmcp::{ServerHandler, tool, tool_handler};
    ///
    /// #[derive(Clone)]
    /// struct Clock {
    ///     tools: SecureToolRouter<Self, McpScopes>,
    /// }
    ///
    /// impl Clock {
    ///     #[tool(description = "Wind the clock")]
    ///     async fn wind(&self, auth: Authorized<ToolsExecute>) -> String {
    ///         format!("{} has wound it", auth.subject())
    ///     }
    ///
    ///     fn new(guard: &Guard<McpScopes>) -> Self {
    ///         let tools = SecureToolRouter::new(guard).tool(Self::wind_tool_attr(), Self::wind);
    ///         Self { tools }
    ///     }
    /// }
    ///
    /// #[tool_handler(router = self.tools)]
    /// impl ServerHandler for Clock {}
    /// ```
    ///
    /// A tool without a proof is not taken:
    /// ```compile_fail,E0277
    /// # use clearance::{Guard, mcp::McpScopes, rmcp::SecureToolRouter};
    /// # use rmcp::tool;
    /// struct Clock;
    ///
    /// impl Clock {
    ///     #[tool(description = "Wind the clock")]
    ///     async fn wind(&self) -> String {
    ///         "wound".to_owned()
    ///     }
    /// }
    ///
    /// # fn router(guard: &Guard<McpScopes>) {
    /// // this handler takes no proof of authorization
    /// SecureToolRouter::new(guard).tool(Clock::wind_tool_attr(), Clock::wind);
    /// # }
    /// ```
    ///
    /// [`Policy::include`]: crate::mcp::Policy::include
    SecureToolRouter(ToolRouter<H>) of Tool
}

impl<H: Send + Sync + 'static, V: Vocabulary> SecureToolRouter<H, V> {
    /// One more tool. `attr` is what rmcp's `#[tool]` makes of the method's name: `read_tool_attr()` for
    /// `read`.
    ///
    /// A name that stands twice is an error when a layer is built whose policy includes this router.
    #[track_caller]
    pub fn tool<C, A>(self, attr: impl Into<Tool>, handler: C) -> Self
    where
        C: CallToolHandler<H, A> + Clone + Send + Sync + 'static,
        A: ToolKind,
        A::Parameters: First,
        <A::Parameters as First>::Proof: ProofFor<Tool, V>,
    {
        let route = ToolRoute::new(attr, handler);
        let name = route.attr.name.clone();
        self.with::<Scope<A, V>>(&name, Location::caller(), |routes| routes.add_route(route))
    }

    /// Calls a tool, if the caller may. It is what `#[tool_handler(router = ..)]` asks.
    ///
    /// # Errors
    /// See [`Authorize::authorize`](super::Authorize::authorize); -32602 for a tool that is not there.
    pub async fn call(
        &self,
        context: ToolCallContext<'_, H>,
    ) -> Result<CallToolResponse, ErrorData> {
        let extensions = &context.request_context.extensions;
        let entries = &self.inner.entries;
        entries.check(context.name(), extensions, "tool not found")?;
        self.inner.routes.call(context).await
    }

    /// The tools that the caller may use, as the result of a `list_tools` written by hand: for this
    /// caller alone.
    ///
    /// # Errors
    /// Where no layer let the request pass, or another guard.
    pub fn list(&self, cx: &RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        let granted = self.inner.entries.granted(&cx.extensions)?;
        Ok(private_to(
            cx,
            ListToolsResult::with_all_items(self.granted(granted)),
        ))
    }

    /// The tools that the caller may use, where [`Secured`](super::Secured) stands in front; those for
    /// any valid token where it does not, and then rmcp's macro calls the list a public one. It is what
    /// `#[tool_handler(router = ..)]` asks.
    pub fn list_all(&self) -> Vec<Tool> {
        self.granted(visit::granted(&self.inner.entries))
    }

    fn granted(&self, granted: u64) -> Vec<Tool> {
        let mut tools = self.inner.routes.list_all();
        tools.retain(|tool| self.inner.entries.is_shown(&tool.name, granted));
        tools
    }

    /// What is told about a tool. It is what `#[tool_handler(router = ..)]` asks.
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.inner.routes.get(name)
    }
}

/// What the first parameter of a tool demands.
type Scope<A, V> = <<<A as ToolKind>::Parameters as First>::Proof as Proves<Tool, V>>::Scope;
