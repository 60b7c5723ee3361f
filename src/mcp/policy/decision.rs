//! What a rule decides.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments;
use crate::authorized::Authorized;
use crate::guard::Admitted;
use crate::refusal::Refusal;
#[cfg(feature = "rmcp-3")]
use crate::scope::Clause;
use crate::scope::{ScopeTable, Set};
use crate::token::Verified;

/// What a set of scopes demands, as functions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands {
    /// By these bits of the guard's own vocabulary.
    pub(crate) is_met: fn(u64) -> bool,
    is_met_in: fn(&ScopeTable, u64) -> bool,
    pub(crate) challenge: fn(&mut Vec<&'static str>),
    pub(crate) obtain: fn(&Admitted, DateTime<Utc>) -> Result<(), Refusal>,
    /// The same about a request that was let in already.
    #[cfg(feature = "rmcp-3")]
    pub(crate) obtain_again: fn(&Admitted, DateTime<Utc>) -> Result<(), Refusal>,
    /// What met it, where these are the bits of a token.
    #[cfg(feature = "rmcp-3")]
    pub(crate) met_by: fn(u64, &mut Vec<Clause>),
    describe: fn(&mut String),
}

impl Demands {
    /// The caller has `S: KnownTo<V>` for the guard's vocabulary.
    pub(crate) const fn of<S: Set>() -> Self {
        Self {
            is_met: S::met,
            is_met_in: S::met_in,
            challenge: S::challenge,
            obtain: |admitted, now| admitted.authorize::<S>(now).map(drop),
            #[cfg(feature = "rmcp-3")]
            obtain_again: |admitted, now| admitted.authorize_again::<S>(now).map(drop),
            #[cfg(feature = "rmcp-3")]
            met_by: S::met_by,
            describe: S::describe,
        }
    }
}

type Test = Box<dyn Fn(&Value) -> Option<bool> + Send + Sync>;

/// A decision that depends on arguments.
struct When {
    demands: Demands,
    /// Nothing where the arguments are not what the rule reads.
    test: Test,
}

type Condition = Box<dyn Fn(&Authorized<()>) -> bool + Send + Sync>;

/// What was decided about a name, its types put away.
#[derive(Clone)]
#[expect(unnameable_types, reason = "nobody else makes one")]
pub struct Decided {
    /// Nothing where nobody may.
    base: Option<Demands>,
    whens: Arc<[When]>,
    conditions: Arc<[Condition]>,
}

/// The arguments are not what a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unfit;

impl Decided {
    pub(crate) fn of<S: Set>() -> Self {
        Self {
            base: Some(Demands::of::<S>()),
            whens: Arc::new([]),
            conditions: Arc::new([]),
        }
    }

    /// What is demanded for these arguments: nothing if nobody may.
    pub(crate) fn demands(&self, arguments: &str) -> Result<Option<Demands>, Unfit> {
        if self.whens.is_empty() {
            return Ok(self.base);
        }
        let arguments = arguments::document(arguments).ok_or(Unfit)?;
        // All of them are asked, so that what does not fit is refused whoever asks.
        let mut chosen = None;
        for when in self.whens.iter() {
            let is_true = (when.test)(&arguments).ok_or(Unfit)?;
            if is_true && chosen.is_none() {
                chosen = Some(when.demands);
            }
        }
        Ok(chosen.or(self.base))
    }

    /// What is demanded, if that does not depend on arguments.
    pub(crate) fn plain(&self) -> Option<Demands> {
        self.base.filter(|_| self.whens.is_empty())
    }

    /// What is demanded where no arguments are at hand: every set that the rule names.
    pub(crate) fn all(&self) -> impl Iterator<Item = Demands> {
        let whens = self.whens.iter().map(|when| when.demands);
        self.base.into_iter().chain(whens)
    }

    pub(crate) const fn is_for_nobody(&self) -> bool {
        self.base.is_none()
    }

    pub(crate) fn has_conditions(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// What is left of it where the scopes do not count.
    pub(super) fn gate(&self) -> Option<Self> {
        let is_gate = self.is_for_nobody() || self.has_conditions();
        is_gate.then(|| Self {
            base: self.base.map(|_| Demands::of::<()>()),
            whens: Arc::new([]),
            conditions: Arc::clone(&self.conditions),
        })
    }

    pub(crate) fn admits(&self, caller: &Authorized<()>) -> bool {
        self.conditions.iter().all(|condition| condition(caller))
    }

    /// Whether some arguments could be granted, by a token of any guard.
    pub(crate) fn shows(&self, verified: &Verified) -> bool {
        let (table, granted) = (&verified.rules().table, verified.granted().granted);
        self.all()
            .any(|demands| (demands.is_met_in)(table, granted))
    }

    pub(super) fn describe(&self) -> String {
        let Some(base) = &self.base else {
            return "nobody".to_owned();
        };
        let mut text = String::new();
        (base.describe)(&mut text);
        for when in self.whens.iter() {
            text.push_str(", or by its arguments ");
            (when.demands.describe)(&mut text);
        }
        if self.has_conditions() {
            text.push_str(", under a condition");
        }
        text
    }
}

impl fmt::Debug for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

mod sealed {
    use super::Decided;

    /// A decision, and the sets that it names.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` does not decide anything",
        label = "not `requires::<S>()`, not `any_valid_token()`, not `nobody()`",
        note = "a scope is demanded by `requires::<S>()`"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Decides {
        /// All the sets that it may choose among.
        type Sets;

        fn decided(self) -> Decided;
    }
}

pub(super) use sealed::Decides;

/// What a rule decides: [`requires`], [`any_valid_token`] or [`nobody`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not decide anything",
    label = "not `requires::<S>()`, not `any_valid_token()`, not `nobody()`",
    note = "a scope is demanded by `requires::<S>()`"
)]
pub trait Decision: Decides {}

#[diagnostic::do_not_recommend]
impl<D: Decides> Decision for D {}

/// Names a type, and takes no other for it.
type Invariant<T> = PhantomData<fn(T) -> T>;

/// The decision to demand `S`. See [`requires`].
#[must_use = "a decision that no rule takes decides nothing"]
pub struct Requires<S, Others = ()> {
    whens: Vec<When>,
    conditions: Vec<Condition>,
    sets: Invariant<(S, Others)>,
}

impl<S, Others> fmt::Debug for Requires<S, Others> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Requires(..)")
    }
}

/// Demands `S`: a scope, a tuple of which all are needed, or `AnyOf` a tuple.
///
/// # Examples
/// ```
/// use clearance::mcp::{McpScopes, Policy, ToolsExecute, ToolsRead, requires};
///
/// let policy = Policy::<McpScopes>::standard()
///     .tool("search", requires::<ToolsRead>())
///     .tool("run", requires::<(ToolsRead, ToolsExecute)>());
/// # let _ = policy;
/// ```
pub const fn requires<S: Set>() -> Requires<S> {
    Requires {
        whens: Vec::new(),
        conditions: Vec::new(),
        sets: PhantomData,
    }
}

/// Demands a valid token and no scope.
pub const fn any_valid_token() -> Requires<()> {
    requires::<()>()
}

/// Refuses everybody: no scope helps, and none is asked for. See [`nobody`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a decision that no rule takes decides nothing"]
#[non_exhaustive]
pub struct Nobody;

/// Refuses everybody: for a tool that is switched off.
///
/// The answer is 403 without `insufficient_scope`, so that clients do not ask for more.
///
/// # Examples
/// ```
/// use clearance::mcp::{McpScopes, Policy, nobody};
///
/// let policy = Policy::<McpScopes>::standard().tool("shell", nobody());
/// # let _ = policy;
/// ```
pub const fn nobody() -> Nobody {
    Nobody
}

impl<S: Set, Others> Requires<S, Others> {
    /// Demands `T` in place of `S` where the arguments say so.
    ///
    /// Several of them are tried in their order. All sets stand in the table, so it stays true
    /// whatever the arguments are. Where they are not at hand, as with a task or a completion, all sets
    /// are demanded. Arguments in which a member stands twice, at any depth, or which cannot be read as
    /// an `A`, are refused: -32602. So is a member that differs from one of `A` in its case alone, which
    /// some services would take for it. Structs with a flattened part, and enums that are tagged inside
    /// or untagged, do not say which members they have: theirs are compared as they stand alone.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::{McpScopes, Policy, requires};
    /// use clearance::scopes;
    ///
    /// scopes! {
    ///     /// What a caller may do with deployments.
    ///     pub vocabulary DeployScopes includes McpScopes;
    ///     /// Deploy to a test system.
    ///     pub Deploy = "deploy:test";
    ///     /// Deploy to production.
    ///     pub Production = "deploy:prod";
    /// }
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Target {
    ///     #[serde(default)]
    ///     prod: bool,
    /// }
    ///
    /// let policy = Policy::<DeployScopes>::standard().tool(
    ///     "deploy",
    ///     requires::<Deploy>().when::<(Deploy, Production), Target>(|target| target.prod),
    /// );
    /// println!("{policy}");
    /// ```
    pub fn when<T: Set, A: DeserializeOwned>(
        mut self,
        test: impl Fn(&A) -> bool + Send + Sync + 'static,
    ) -> Requires<S, (T, Others)> {
        self.whens.push(When {
            demands: Demands::of::<T>(),
            test: Box::new(move |document| {
                arguments::read(document).map(|arguments| test(&arguments))
            }),
        });
        Requires {
            whens: self.whens,
            conditions: self.conditions,
            sets: PhantomData,
        }
    }

    /// Refuses callers of whom `condition` is not true, and no scope helps them: 403 without
    /// `insufficient_scope`.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::{McpScopes, Policy, ToolsExecute, requires};
    ///
    /// let policy = Policy::<McpScopes>::standard().tool(
    ///     "export",
    ///     requires::<ToolsExecute>().only_if(|auth| auth.client().as_str() == "reports"),
    /// );
    /// # let _ = policy;
    /// ```
    pub fn only_if(
        mut self,
        condition: impl Fn(&Authorized<()>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.conditions.push(Box::new(condition));
        self
    }
}

impl<S: Set, Others> Decides for Requires<S, Others> {
    type Sets = (S, Others);

    fn decided(self) -> Decided {
        Decided {
            base: Some(Demands::of::<S>()),
            whens: self.whens.into(),
            conditions: self.conditions.into(),
        }
    }
}

impl Decides for Nobody {
    type Sets = ();

    fn decided(self) -> Decided {
        Decided {
            base: None,
            whens: Arc::new([]),
            conditions: Arc::new([]),
        }
    }
}

/// Whether all of several demands are met: who lacks something is asked for what all of it needs.
pub(crate) fn decide(
    caller: &Admitted,
    demands: impl Iterator<Item = Demands>,
) -> Result<(), Refusal> {
    let (mut lacking, mut met) = (Vec::new(), Vec::new());
    let mut is_met = true;
    for demand in demands {
        let met_here = (demand.is_met)(caller.granted());
        is_met &= met_here;
        (demand.challenge)(if met_here { &mut met } else { &mut lacking });
    }
    if is_met {
        return Ok(());
    }
    Err(caller.lacks(lacking, &met))
}
