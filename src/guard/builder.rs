//! How a guard is made.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use super::config::ConfigError;
use super::issuer::TrustedIssuer;
use super::{Deny, Guard};
use crate::audit::{AuditSink, SubjectKey};
use crate::authorized::Authorized;
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "fetch")]
use crate::id::Issuer;
use crate::id::Resource;
use crate::lifecycle::{MOST_ENTRIES, MOST_TOKENS, RevocationStore, Sharing};
use crate::limit::{LimitChoices, Peers};
use crate::scope::{Checked, KnownTo, ScopeTable, Set, Vocabulary};
use crate::token::LONGEST_TOKEN;

/// Collects what a [`Guard`] is made of.
///
/// `St` says what is still missing: [`WantsIssuer`], then [`Ready`]. You never write it.
#[must_use = "a builder does nothing until `build`"]
pub struct GuardBuilder<V, St> {
    pub(super) settings: Settings,
    state: St,
    vocabulary: PhantomData<fn(V) -> V>,
}

/// No issuer was named yet, so nobody could be trusted.
#[derive(Debug)]
#[non_exhaustive]
pub struct WantsIssuer;

/// Everything that is required is there.
#[derive(Debug)]
pub struct Ready {
    issuers: Vec<TrustedIssuer>,
}

pub(super) struct Settings {
    pub(super) resource: Resource,
    pub(super) root_alias: bool,
    pub(super) leeway: TimeDelta,
    pub(super) max_lifetime: TimeDelta,
    pub(super) max_age: Option<TimeDelta>,
    pub(super) limits: LimitChoices,
    pub(super) peers: Option<Peers>,
    pub(super) most_tokens: usize,
    pub(super) most_revocations: usize,
    pub(super) sharing: Option<Sharing>,
    pub(super) longest_token: usize,
    #[cfg(feature = "client")]
    pub(super) keeps_tokens: bool,
    pub(super) per_operation: bool,
    pub(super) baseline: Vec<&'static str>,
    pub(super) deny: Vec<Deny>,
    /// Only ever taken out, but a builder may be looked at by several threads.
    pub(super) audit: Option<Mutex<Box<dyn AuditSink>>>,
    pub(super) subject_key: Option<SubjectKey>,
    pub(super) clock: Arc<dyn Clock>,
}

impl<V: Vocabulary> GuardBuilder<V, WantsIssuer> {
    pub(super) fn new(resource: Resource) -> Self {
        // Also for vocabularies that were written without the macro.
        const { Checked::<V>::OK };
        Self {
            settings: Settings {
                resource,
                root_alias: false,
                leeway: TimeDelta::seconds(60),
                max_lifetime: TimeDelta::hours(24),
                max_age: None,
                limits: LimitChoices::default(),
                peers: None,
                most_tokens: MOST_TOKENS,
                most_revocations: MOST_ENTRIES,
                sharing: None,
                longest_token: LONGEST_TOKEN,
                #[cfg(feature = "client")]
                keeps_tokens: false,
                per_operation: false,
                baseline: Vec::new(),
                deny: Vec::new(),
                audit: None,
                subject_key: None,
                clock: Arc::new(SystemClock),
            },
            state: WantsIssuer,
            vocabulary: PhantomData,
        }
    }

    /// Trusts an issuer whose tokens are RFC 9068 to the letter, and whose keys are found through
    /// its metadata.
    #[cfg(feature = "fetch")]
    pub fn issuer(self, issuer: Issuer) -> GuardBuilder<V, Ready> {
        self.trusted_issuer(TrustedIssuer::new(issuer))
    }

    /// Trusts an issuer by rules of its own.
    pub fn trusted_issuer(self, issuer: TrustedIssuer) -> GuardBuilder<V, Ready> {
        GuardBuilder {
            settings: self.settings,
            state: Ready {
                issuers: vec![issuer],
            },
            vocabulary: PhantomData,
        }
    }
}

impl<V: Vocabulary> GuardBuilder<V, Ready> {
    /// Trusts one more issuer; see [`GuardBuilder::issuer`].
    #[cfg(feature = "fetch")]
    pub fn issuer(self, issuer: Issuer) -> Self {
        self.trusted_issuer(TrustedIssuer::new(issuer))
    }

    /// Trusts one more issuer, by rules of its own.
    pub fn trusted_issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.state.issuers.push(issuer);
        self
    }

    /// Makes the guard. It asks nobody: keys are fetched when [`Guard::ready`] or a request wants
    /// them.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn build(self) -> Result<Guard<V>, ConfigError> {
        let inner = self
            .settings
            .assemble(ScopeTable::of::<V>(), self.state.issuers)?;
        Ok(Guard {
            inner: Arc::new(inner),
            vocabulary: PhantomData,
        })
    }
}

impl<V: Vocabulary, St> GuardBuilder<V, St> {
    /// How much clocks may differ when `exp` and `nbf` are judged: 60 seconds unless said, 300 at
    /// most.
    pub fn leeway(mut self, leeway: TimeDelta) -> Self {
        self.settings.leeway = leeway;
        self
    }

    /// The longest time between `iat` and `exp`: 24 hours unless said. Revocations are remembered
    /// for so long.
    pub fn max_lifetime(mut self, longest: TimeDelta) -> Self {
        self.settings.max_lifetime = longest;
        self
    }

    /// The longest time since `iat`. No limit unless said.
    pub fn max_age(mut self, oldest: TimeDelta) -> Self {
        self.settings.max_age = Some(oldest);
        self
    }

    /// The longest token that is looked at, in bytes: 16 KiB unless said.
    pub fn max_token_length(mut self, longest: usize) -> Self {
        self.settings.longest_token = longest;
        self
    }

    /// How many verified tokens are remembered at most: 65 536 unless said. A token longer than 4 KiB
    /// counts as several.
    ///
    /// A token that is remembered, for five minutes at most, is not verified again; its time, its key and
    /// whether it was revoked are looked at each time. With nought each token is verified each time.
    pub fn max_cached_tokens(mut self, most: usize) -> Self {
        self.settings.most_tokens = most;
        self
    }

    /// How many revocations are remembered at most: 100 000 unless said. A full list takes no new
    /// ones.
    pub fn max_revocations(mut self, most: usize) -> Self {
        self.settings.most_revocations = most;
        self
    }

    /// Shares what is revoked with other machines through `store`.
    ///
    /// While the store is not [current](RevocationStore::is_current), requests are refused with 503: a
    /// token may have been revoked elsewhere.
    pub fn revocation_store(mut self, store: Arc<dyn RevocationStore>) -> Self {
        let goes_on = false;
        self.settings.sharing = Some(Sharing { store, goes_on });
        self
    }

    /// The same, but requests go on while the store is not current.
    ///
    /// Cost: a token that was revoked on another machine is good on this one for as long as the store
    /// cannot be reached.
    pub fn revocation_store_or_go_on(mut self, store: Arc<dyn RevocationStore>) -> Self {
        let goes_on = true;
        self.settings.sharing = Some(Sharing { store, goes_on });
        self
    }

    /// The scopes to begin with: what a 401 and the metadata advertise. Unless said, neither names
    /// any. Where issuers have scope prefixes, the first issuer's is written.
    pub fn baseline<S: Set + KnownTo<V>>(mut self) -> Self {
        let mut names = Vec::new();
        S::challenge(&mut names);
        self.settings.baseline = names;
        self
    }

    /// The same, of names that the vocabulary has.
    pub(crate) fn baseline_of(mut self, names: Vec<&'static str>) -> Self {
        self.settings.baseline = names;
        self
    }

    /// Refuses callers for reasons that no scope can cure, such as a suspended account.
    ///
    /// The answer is 403 without `insufficient_scope`, so that clients do not ask the user for more
    /// scopes in vain. It may be said several times; one rule that gives `true` refuses.
    pub fn deny_if(
        mut self,
        rule: impl Fn(&Authorized<()>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.deny.push(Box::new(rule));
        self
    }

    /// Makes a 403 challenge list what the operation needs and nothing else.
    ///
    /// Unless said, it lists what the token already names as well: clients ask for exactly what a
    /// challenge lists, and would lose the rest.
    pub fn challenge_per_operation(mut self) -> Self {
        self.settings.per_operation = true;
        self
    }

    /// Makes the origin of the resource (`https://host`) a resource of its own: its metadata is
    /// served at the root well-known URI, and tokens for it are accepted. A resource that is an
    /// origin already has its metadata there, and this changes nothing.
    pub fn root_alias(mut self) -> Self {
        self.settings.root_alias = true;
        self
    }

    /// Writes each decision to `sink` too, beside `tracing`: an audit log. A sink may be slow, and may
    /// fail: see [`AuditSink`].
    ///
    /// # Examples
    /// ```
    /// use clearance::audit::JsonLines;
    /// use clearance::{Guard, mcp::McpScopes};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    ///     .issuer("https://auth.example.com".parse()?)
    ///     .audit(JsonLines::to(std::io::stdout()))
    ///     .build()?;
    /// # let _ = guard;
    /// # Ok(())
    /// # }
    /// ```
    pub fn audit(mut self, sink: impl AuditSink) -> Self {
        self.settings.audit = Some(Mutex::new(Box::new(sink)));
        self
    }

    /// Writes subjects as keyed hashes, in the audit log and in `tracing`: who may read these need not
    /// know who calls.
    pub fn hash_subjects(mut self, key: SubjectKey) -> Self {
        self.settings.subject_key = Some(key);
        self
    }

    /// Takes time from `clock`: the machine's own unless said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }
}

impl<V, St: std::fmt::Debug> std::fmt::Debug for GuardBuilder<V, St> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardBuilder")
            .field("resource", &self.settings.resource)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
