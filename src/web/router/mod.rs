//! An MCP endpoint whose handlers are its policy.
//!
//! A handler is registered with its types, and they are put away in `entry`; `serve` takes a request
//! through the checks in their order and calls the one handler that it is for.

mod answer;
mod argument;
mod build;
mod define;
mod endpoint;
mod entry;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod handler;
mod pay;
mod reply;
mod serve;
mod stream;

pub use argument::Params;
pub use build::RouterError;
pub use define::{Prompt, Resource, Tool};
pub use handler::{Argument, Handler};
pub use reply::{CallError, MethodReply, ToolError, ToolFailure, ToolReply};
pub use stream::{Progress, Streamed};

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use crate::guard::Guard;
use crate::mcp::method::{Listing, Method, Named as _, PromptsGet, ResourcesRead, ToolsCall};
use crate::mcp::policy::{Demands, OPEN};
use crate::mcp::proof::ProofFor;
use crate::mcp::{Kind, Policy, Reach, Rule};
use crate::scope::{KnownTo, Vocabulary};
use crate::web::collect::Limits;
use endpoint::About;
use entry::{Entry, Place};
use handler::Arguments;
use reply::{OfMethod as _, OfTool as _, Shape};

/// An MCP endpoint on axum: what a handler demands in its signature is what is enforced, challenged,
/// listed and written into the [`Policy`].
///
/// # Proves
/// A handler runs only for a request whose token grants what the handler demands: the router obtains
/// the proof before it calls, and registering a handler that demands none does not compile.
///
/// # Does not prove
/// That the caller owns what the arguments name. That is for the handler.
///
/// # Examples
/// ```
/// use axum::extract::State;
/// use clearance::mcp::{self, McpScopes, Params, ToolError};
/// use clearance::{Authorized, Guard, scopes};
///
/// scopes! {
///     /// What a caller may be allowed to do on the files server.
///     pub vocabulary FilesScopes includes McpScopes;
///     /// Delete files.
///     pub FilesDelete = "files:delete";
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Delete {
///     path: String,
/// }
///
/// async fn delete(
///     auth: Authorized<FilesDelete>,
///     Params(delete): Params<Delete>,
/// ) -> Result<String, ToolError> {
///     Ok(format!("{} deleted {}", auth.subject(), delete.path))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<FilesScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .build()?;
/// let router = mcp::Router::new(&guard)
///     .named("files", env!("CARGO_PKG_VERSION"))
///     .tool("delete_file", delete);
/// println!("{}", router.policy());
/// let app: axum::Router = router.build()?;
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// A handler that demands nothing cannot be registered:
/// ```compile_fail,E0277
/// use clearance::Guard;
/// use clearance::mcp::{self, McpScopes, Params, ToolError};
///
/// async fn delete(Params(path): Params<String>) -> Result<String, ToolError> {
///     Ok(path)
/// }
///
/// fn register(guard: &Guard<McpScopes>) {
///     // `Params<String>` is not proof of authorization for `Tool`
///     mcp::Router::new(guard).tool("delete_file", delete);
/// }
/// ```
///
/// # Specification
/// MCP 2025-03-26, 2025-06-18 and 2025-11-25 without sessions, and 2026-07-28. There are no requests
/// from server to client and no resumable streams.
#[must_use = "a router serves nothing until it is built"]
pub struct Router<V, St = ()> {
    guard: Guard<V>,
    state: St,
    about: About,
    limits: Limits,
    methods: Vec<Entry<St>>,
    /// Names that were chosen freely, and where.
    chosen: Vec<(&'static str, Place)>,
    tools: Vec<(Tool, Entry<St>)>,
    prompts: Vec<(Prompt, Entry<St>)>,
    resources: Vec<(Resource, Entry<St>)>,
    /// What lists demand, where it was said.
    lists: Vec<(Demands, Rule)>,
    /// Where the router was made.
    place: Place,
}

impl<V: Vocabulary> Router<V> {
    /// An endpoint for the guard's resource, whose handlers share no state.
    #[track_caller]
    pub fn new(guard: &Guard<V>) -> Self {
        Self::with_state(guard, ())
    }
}

impl<V: Vocabulary, St: Clone + Send + Sync + 'static> Router<V, St> {
    /// An endpoint for the guard's resource, whose handlers share `state`.
    #[track_caller]
    pub fn with_state(guard: &Guard<V>, state: St) -> Self {
        Self {
            about: About::new(guard.resource().as_str()),
            guard: guard.clone(),
            state,
            limits: Limits::default(),
            methods: Vec::new(),
            chosen: Vec::new(),
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            lists: Vec::new(),
            place: Location::caller(),
        }
    }

    /// How the server calls itself; the resource identifier and version `0` unless said.
    pub fn named(mut self, name: &str, version: &str) -> Self {
        self.about.name = name.into();
        self.about.version = version.into();
        self
    }

    /// What clients' models are told about using this server.
    pub fn instructions(mut self, text: &str) -> Self {
        self.about.instructions = Some(text.into());
        self
    }

    /// How many bytes a body may have: 4 MiB unless said. A longer one is 413.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.limits.body = bytes;
        self
    }

    /// How long a body may take to arrive: 30 seconds unless said. A slower one is 408.
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.limits.patience = timeout;
        self
    }

    /// A tool: what its handler demands is its whole policy.
    ///
    /// `tools/list` is then served as well, and shows each caller the tools that its token grants. A
    /// tool's arguments that cannot be read are a result with `isError`, for the model to mend.
    #[track_caller]
    pub fn tool<Args, H>(mut self, tool: impl Into<Tool>, handler: H) -> Self
    where
        H: Handler<Args>,
        H::Proof: ProofFor<Tool, V>,
        H::Rest: Arguments<St>,
        H::Future: Send + 'static,
        <H::Future as Future>::Output: ToolReply,
    {
        let tool = tool.into();
        let (name, place) = (tool.label(), Location::caller());
        let entry = Entry::new::<Tool, V, Args, H>(Kind::Tool, name, place, handler, |done, _| {
            done.reply()
        });
        self.tools.push((tool, entry));
        self
    }

    /// A prompt: what its handler demands is its whole policy.
    ///
    /// A handler gives the result object of `prompts/get`, or a text, which becomes one message.
    #[track_caller]
    pub fn prompt<Args, H>(mut self, prompt: impl Into<Prompt>, handler: H) -> Self
    where
        H: Handler<Args>,
        H::Proof: ProofFor<Prompt, V>,
        H::Rest: Arguments<St>,
        H::Future: Send + 'static,
        <H::Future as Future>::Output: MethodReply,
    {
        let prompt = prompt.into();
        let (kind, name, place) = (Kind::Prompt, prompt.label(), Location::caller());
        let entry = Entry::new::<Prompt, V, Args, H>(kind, name, place, handler, |done, _| {
            done.reply(Shape::Prompt)
        });
        self.prompts.push((prompt, entry));
        self
    }

    /// A resource, or many by a template: what the handler demands is its whole policy.
    ///
    /// `Params` has the template's variables. A string is served as it is, anything else as JSON; the
    /// type is `text/plain` or `application/json`, unless [`Resource::mime_type`] says another.
    #[track_caller]
    pub fn resource<Args, H>(mut self, resource: impl Into<Resource>, handler: H) -> Self
    where
        H: Handler<Args>,
        H::Proof: ProofFor<Resource, V>,
        H::Rest: Arguments<St>,
        H::Future: Send + 'static,
        <H::Future as Future>::Output: MethodReply,
    {
        let resource = resource.into();
        let (kind, name, place) = (Kind::Resource, resource.label(), Location::caller());
        let mime_type = resource.content();
        let reply = move |done: <H::Future as Future>::Output, uri: Option<Box<str>>| {
            done.reply(Shape::Resource {
                uri: uri.as_deref().unwrap_or_default(),
                mime_type: mime_type.as_deref(),
            })
        };
        let entry = Entry::new::<Resource, V, Args, H>(kind, name, place, handler, reply);
        self.resources.push((resource, entry));
        self
    }

    /// A method, whose handler must demand at least the method's standard scope, or the one that is
    /// put in its place by `demanding`.
    ///
    /// `Params` has the whole `params`; a handler gives the whole result object.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::method::CompletionComplete;
    /// use clearance::mcp::{self, CallError, CompletionRead, McpScopes};
    /// use clearance::{Authorized, Guard};
    /// use serde_json::{Value, json};
    ///
    /// async fn complete(_: Authorized<CompletionRead>) -> Result<Value, CallError> {
    ///     Ok(json!({ "completion": { "values": [] } }))
    /// }
    ///
    /// fn endpoint(guard: &Guard<McpScopes>) -> mcp::Router<McpScopes> {
    ///     mcp::Router::new(guard).method(CompletionComplete, complete)
    /// }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a method is a name")]
    #[track_caller]
    pub fn method<M, Args, H>(mut self, method: M, handler: H) -> Self
    where
        M: Method,
        H: Handler<Args>,
        H::Proof: ProofFor<M, V>,
        H::Rest: Arguments<St>,
        H::Future: Send + 'static,
        <H::Future as Future>::Output: MethodReply,
    {
        let place = Location::caller();
        let (kind, name) = (Kind::Method, method.name());
        let entry = Entry::new::<M, V, Args, H>(kind, name, place, handler, |done, _| {
            done.reply(Shape::Method)
        });
        self.methods.push(entry);
        if M::IS_CHOSEN {
            self.chosen.push((method.name(), place));
        }
        self
    }

    /// What a list that the router serves by itself demands, in place of its standard scope:
    /// `.list(ToolsList.demanding::<FilesRead>())`.
    ///
    /// A vocabulary that does not know the standard scope must say so. Whatever it is, a list shows
    /// only what the caller's token grants.
    #[expect(clippy::needless_pass_by_value, reason = "a method is a name")]
    #[track_caller]
    pub fn list<M>(mut self, method: M) -> Self
    where
        M: Listing,
        M::Scope: KnownTo<V>,
    {
        let rule = Rule::new::<M::Scope>(Kind::Method, method.name(), Location::caller());
        self.lists.push((Demands::of::<M::Scope>(), rule));
        self
    }

    /// Everything that can be called, and what each call demands.
    pub fn policy(&self) -> Policy<V> {
        let named = |entry: &Entry<St>| entry.rule.clone();
        let mut rules: Vec<Rule> = self.methods.iter().map(named).collect();
        rules.extend(self.tools.iter().map(|(_, entry)| named(entry)));
        rules.extend(self.prompts.iter().map(|(_, entry)| named(entry)));
        rules.extend(self.resources.iter().map(|(_, entry)| named(entry)));
        rules.extend(self.served_lists().into_iter().map(|(_, rule)| rule));
        rules.extend(self.methods.iter().filter_map(|entry| rest_of(&entry.rule)));
        let open = |name| Rule::new::<()>(Kind::Method, name, self.place);
        rules.extend(OPEN.map(open));
        Policy::new(rules)
    }
}

impl<V, St> fmt::Debug for Router<V, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("methods", &self.methods)
            .field("tools", &self.tools)
            .field("prompts", &self.prompts)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

/// What a method's own handler opens: all names of its kind, which it tells apart by itself.
fn rest_of(method: &Rule) -> Option<Rule> {
    let kind = match method.name() {
        name if name == ToolsCall.name() => Kind::Tool,
        name if name == PromptsGet.name() => Kind::Prompt,
        name if name == ResourcesRead.name() => Kind::Resource,
        _ => return None,
    };
    let decided = method.decision().clone();
    Some(Rule::decided(
        (kind, Reach::Rest),
        "",
        decided,
        method.place(),
    ))
}

/// Where something was registered.
fn shown(place: Place) -> String {
    format!("{}:{}", place.file(), place.line())
}
