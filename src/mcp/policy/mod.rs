//! What is demanded where, as a value.

mod arguments;
mod check;
mod decision;
mod index;
mod needs;
mod price;
mod rule;
#[cfg(feature = "rmcp-3")]
mod rulebook;
mod table;

pub use check::PolicyError;
pub use decision::{Decision, Nobody, Requires, any_valid_token, nobody, requires};
pub use rule::{Kind, Reach, Rule};
#[cfg(feature = "rmcp-3")]
pub use rulebook::Rulebook;

pub(crate) use decision::{Demands, decide};
pub(crate) use index::{Index, Rules};
pub(crate) use needs::{Needs, Refused, Stop, judge};
pub(crate) use price::{bill, scopes_met, scopes_of};
#[cfg(feature = "rmcp-3")]
pub(crate) use rulebook::{OwnGuard, WritesRules};

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::OnceLock;

use super::method::{self, Method, Named as _};
use super::scopes::{
    CompletionRead, LoggingConfigure, PromptsList, PromptsRead, ResourcesList, ResourcesRead,
    ResourcesSubscribe, ToolsExecute, ToolsRead,
};
use crate::authorized::Authorized;
use crate::scope::{KnownTo, Set};

/// What anybody with a valid token may ask of every endpoint.
pub(crate) const OPEN: [&str; 3] = ["initialize", "ping", "server/discover"];

/// Everything that can be called, and what each call demands.
///
/// What is not in it cannot be called: a method without a rule is not served, and tools, prompts and
/// resources are closed by name, each kind until [`tools`](Self::tools), [`prompts`](Self::prompts) or
/// [`resources`](Self::resources) opens the rest of it. A rule about a name takes the place of its
/// method's scope.
///
/// `Display` writes it as a table; `Serialize` as a list without places, so that a test can hold it
/// against a snapshot. A [`Router`](super::Router) writes down its own.
///
/// # Does not prove
/// That the names mean what they say.
///
/// # Examples
/// ```
/// use clearance::mcp::{McpScopes, Policy, any_valid_token, nobody, requires};
/// use clearance::scopes;
///
/// scopes! {
///     /// What a caller may be allowed to do on the files server.
///     pub vocabulary FilesScopes includes McpScopes;
///     /// Delete files.
///     pub FilesDelete = "files:delete";
///     /// Read the database.
///     pub DbRead = "db:read";
/// }
///
/// let policy = Policy::<FilesScopes>::standard()
///     .tool("delete_file", requires::<FilesDelete>())
///     .tool_prefix("db_", requires::<DbRead>())
///     .tool("db_drop", nobody())
///     .resource("file:///pub/*", any_valid_token());
/// println!("{policy}");
/// ```
///
/// A scope that the vocabulary does not know is not taken:
/// ```compile_fail,E0277
/// use clearance::mcp::{McpScopes, Policy, requires};
/// use clearance::scopes;
///
/// scopes! {
///     /// Somebody else's.
///     pub vocabulary OtherScopes;
///     /// Do it.
///     pub Other = "other";
/// }
///
/// // `Other` is not a scope of `McpScopes`
/// Policy::<McpScopes>::standard().tool("delete_file", requires::<Other>());
/// ```
#[must_use = "a policy that nobody enforces decides nothing"]
pub struct Policy<V> {
    rules: Vec<Rule>,
    /// The guards of the routers that were included, and where.
    #[cfg(feature = "rmcp-3")]
    routers: Vec<(OwnGuard, Place)>,
    tasks: bool,
    index: OnceLock<Index>,
    vocabulary: PhantomData<fn(V) -> V>,
}

/// The scopes that a vocabulary must know to have the standard policy.
type Standard = (
    (CompletionRead, LoggingConfigure, PromptsList, PromptsRead),
    (ResourcesList, ResourcesRead, ResourcesSubscribe),
    (ToolsExecute, ToolsRead),
);

impl<V> Policy<V> {
    /// The ten operations of the protocol with their standard scopes. Tools, prompts and resources are
    /// closed by name.
    #[track_caller]
    pub fn standard() -> Self
    where
        Standard: KnownTo<V>,
    {
        let place = Location::caller();
        let mut policy = Self::closed();
        let mut rule = |name: &str, new: fn(&str, Place) -> Rule| {
            policy.rules.push(new(name, place));
        };
        rule(
            method::CompletionComplete.name(),
            Rule::standard::<CompletionRead>,
        );
        rule(
            method::LoggingSetLevel.name(),
            Rule::standard::<LoggingConfigure>,
        );
        rule(method::PromptsGet.name(), Rule::standard::<PromptsRead>);
        rule(method::PromptsList.name(), Rule::standard::<PromptsList>);
        rule(
            method::ResourcesList.name(),
            Rule::standard::<ResourcesList>,
        );
        rule(
            method::ResourcesRead.name(),
            Rule::standard::<ResourcesRead>,
        );
        rule(
            method::ResourcesSubscribe.name(),
            Rule::standard::<ResourcesSubscribe>,
        );
        rule(
            method::ResourcesTemplatesList.name(),
            Rule::standard::<ResourcesList>,
        );
        rule(
            method::ResourcesUnsubscribe.name(),
            Rule::standard::<ResourcesSubscribe>,
        );
        rule(
            method::SubscriptionsListen.name(),
            Rule::standard::<ResourcesSubscribe>,
        );
        rule(method::ToolsCall.name(), Rule::standard::<ToolsExecute>);
        rule(method::ToolsList.name(), Rule::standard::<ToolsRead>);
        policy.sort();
        policy
    }

    /// Nothing but what every endpoint has: `initialize`, `ping`, `server/discover` and notifications,
    /// for any valid token.
    #[track_caller]
    pub fn closed() -> Self {
        let place = Location::caller();
        let open = |name| Rule::standard::<()>(name, place);
        Self::new(OPEN.map(open).into())
    }

    /// Ordered by kind, then by name.
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let mut policy = Self {
            rules,
            #[cfg(feature = "rmcp-3")]
            routers: Vec::new(),
            tasks: false,
            index: OnceLock::new(),
            vocabulary: PhantomData,
        };
        policy.sort();
        policy
    }

    fn sort(&mut self) {
        self.index = OnceLock::new();
        let key = |rule: &Rule| (rule.kind(), rule.reach());
        self.rules
            .sort_by(|a, b| (key(a), a.name()).cmp(&(key(b), b.name())));
    }

    fn with<D>(mut self, about: (Kind, Reach), name: &str, decision: D, place: Place) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let rule = Rule::decided(about, name, decision.decided(), place);
        self.rules.push(rule);
        self.sort();
        self
    }

    /// A method, in place of its standard rule if it has one.
    ///
    /// A tool, prompt or resource that has a rule of its own does not ask for its method's scopes. What
    /// lets nobody in, or some callers alone, holds for all names of the method.
    #[expect(clippy::needless_pass_by_value, reason = "a method is a name")]
    #[track_caller]
    pub fn method<D>(mut self, method: impl Method, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let (kind, reach, name) = (Kind::Method, Reach::Named, method.name());
        self.rules.retain(|rule| !rule.is_standard_for(name));
        self.with((kind, reach), name, decision, Location::caller())
    }

    /// A tool.
    #[track_caller]
    pub fn tool<D>(self, name: &str, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Tool, Reach::Named), name, decision, place)
    }

    /// All tools whose names begin with `prefix` and that have no rule of their own; the longest prefix
    /// counts.
    #[track_caller]
    pub fn tool_prefix<D>(self, prefix: &str, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Tool, Reach::Prefix), prefix, decision, place)
    }

    /// Opens all tools that no other rule is about, those that do not exist included.
    #[track_caller]
    pub fn tools<D>(self, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Tool, Reach::Rest), "", decision, place)
    }

    /// A prompt.
    #[track_caller]
    pub fn prompt<D>(self, name: &str, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Prompt, Reach::Named), name, decision, place)
    }

    /// Opens all prompts that no other rule is about.
    #[track_caller]
    pub fn prompts<D>(self, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Prompt, Reach::Rest), "", decision, place)
    }

    /// A resource by its URI, or many: `{x}` stands for one segment, `{*x}` for all that follow, and so
    /// does `*` at the end, which also takes a query, a slash at the end, or nothing.
    ///
    /// URIs are normalised before they are compared, and what has no normal form is refused. The most
    /// precise rule counts; services may overlook a query or a slash at the end, so a more precise rule
    /// about the URI without them is met as well. Who reads a resource and who subscribes to it meet the same rule;
    /// subscribers meet that of the method as well.
    #[track_caller]
    pub fn resource<D>(self, pattern: &str, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Resource, Reach::Named), pattern, decision, place)
    }

    /// Opens all resources that no other rule is about. What is no URI stays closed.
    #[track_caller]
    pub fn resources<D>(self, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with((Kind::Resource, Reach::Rest), "", decision, place)
    }

    /// Completion of a prompt's arguments, in place of what it demands otherwise: what
    /// `completion/complete` demands, and what the prompt itself does.
    #[track_caller]
    pub fn completion_of_prompt<D>(self, name: &str, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        self.with(
            (Kind::PromptCompletion, Reach::Named),
            name,
            decision,
            place,
        )
    }

    /// Completion of the variables of a resource's template, in place of what it demands otherwise:
    /// what `completion/complete` demands, and what all resources do that it could stand for.
    #[track_caller]
    pub fn completion_of_resource<D>(self, pattern: &str, decision: D) -> Self
    where
        D: Decision,
        D::Sets: KnownTo<V>,
    {
        let place = Location::caller();
        let kind = Kind::ResourceCompletion;
        self.with((kind, Reach::Named), pattern, decision, place)
    }

    /// Opens `tasks/*` for task ids that the service sealed for their owner, with
    /// [`Seal<TaskId>`](crate::session::Seal) and the keys that the layer has. Each demands what the
    /// call that made the task demands.
    ///
    /// `tasks/list` stays closed: it names no task.
    pub const fn tasks(mut self) -> Self {
        self.tasks = true;
        self
    }

    pub(crate) const fn has_tasks(&self) -> bool {
        self.tasks
    }

    /// Its lines, ordered by kind, then by name.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Those of `names`, in their order, that the caller may use: for lists that show less to whom
    /// less is granted.
    ///
    /// It proves nothing: a name that is not shown is still checked when it is called. A list that was
    /// filtered is for one caller, so its result says `"cacheScope": "private"` (MCP 2026-07-28).
    ///
    /// # Examples
    /// ```
    /// use clearance::Authorized;
    /// use clearance::mcp::{Kind, McpScopes, Policy, ToolsRead};
    ///
    /// fn list(auth: &Authorized<ToolsRead>, policy: &Policy<McpScopes>) -> Vec<&'static str> {
    ///     policy.visible(Kind::Tool, auth, ["search", "run"]).collect()
    /// }
    /// ```
    pub fn visible<S: Set, N: AsRef<str>>(
        &self,
        kind: Kind,
        auth: &Authorized<S>,
        names: impl IntoIterator<Item = N>,
    ) -> impl Iterator<Item = N> {
        let (index, any) = (self.index(), auth.any());
        names
            .into_iter()
            .filter(move |name| index.is_visible(kind, name.as_ref(), &any))
    }

    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.rules))
    }
}

type Place = &'static Location<'static>;

impl<V> Clone for Policy<V> {
    fn clone(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            #[cfg(feature = "rmcp-3")]
            routers: self.routers.clone(),
            tasks: self.tasks,
            index: OnceLock::new(),
            vocabulary: PhantomData,
        }
    }
}
