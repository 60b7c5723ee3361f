//! How a guard is.

use std::fmt;
#[cfg(feature = "axum")]
use std::sync::Arc;
use std::time::Duration;

use super::voucher::Voucher;
use super::{Guard, Inner};
use crate::audit::{AuditStats, DecisionStats};
use crate::id::Issuer;
use crate::lifecycle::CacheStats;
use crate::limit::PenaltyStats;
use crate::scope::Vocabulary;

/// How a guard is: what it could decide at this moment, and since when it knows what it knows.
///
/// See [`Guard::health`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The issuers, in the order in which they were named.
    pub issuers: Vec<IssuerHealth>,
    /// The list of what was revoked.
    pub revocations: RevocationHealth,
    /// The quotas.
    pub limits: LimitHealth,
    /// Who misbehaved, and what came of it.
    pub penalties: PenaltyStats,
    /// What was decided.
    pub decisions: DecisionStats,
    /// What is remembered of verified tokens.
    pub cache: CacheStats,
    /// What became of the events for the audit log, if there is one.
    pub audit: Option<AuditStats>,
}

/// How it is with one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerHealth {
    /// Which.
    pub issuer: Issuer,
    /// Whether its tokens can be judged now.
    pub is_ready: bool,
    /// How many of its keys can verify; none where it is asked about its tokens.
    pub keys: usize,
    /// How old its keys are, where they were fetched.
    pub age: Option<Duration>,
    /// In which time they will be renewed, if a request comes.
    pub renewal_in: Option<Duration>,
    /// For how long they serve if no new ones come.
    pub serve_for: Option<Duration>,
    /// Why it was last asked in vain, as a stable code; nothing after it has answered.
    pub last_error: Option<&'static str>,
    /// How often it was asked, for keys or about a token.
    pub fetches: u64,
    /// How often in vain.
    pub failures: u64,
}

/// How it is with the list of what was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationHealth {
    /// How many entries there are.
    pub entries: usize,
    /// How many were taken since the guard was made.
    pub taken: u64,
    /// Whether what other machines have revoked is known. It is where there are none.
    pub is_current: bool,
    /// Whether requests go on while it is not.
    pub goes_on: bool,
}

/// How it is with the quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitHealth {
    /// Whether all machines count together, where they shall; it is so where there is one machine. A store
    /// that failed counts as gone for five seconds after it was last asked.
    pub is_current: bool,
    /// Whether requests go on while they do not.
    pub goes_on: bool,
}

/// A part without which some or all tokens cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The tokens of this issuer, for this reason.
    Issuer(Issuer, &'static str),
    /// No token: what other machines have revoked is not known.
    Revocations,
    /// No token: quotas cannot be counted together with other machines.
    Limits,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(issuer, cause) => write!(f, "tokens of {issuer}: {cause}"),
            Self::Revocations => f.write_str("revocations of other machines: not current"),
            Self::Limits => f.write_str("quotas of all machines: not current"),
        }
    }
}

impl Health {
    /// What is wrong now.
    pub fn problems(&self) -> impl Iterator<Item = Problem> {
        let issuers = self.issuers.iter().filter(|issuer| !issuer.is_ready);
        let issuers = issuers.map(|issuer| {
            let cause = issuer.last_error.unwrap_or("not_fetched");
            Problem::Issuer(issuer.issuer.clone(), cause)
        });
        let store = self.revocations;
        let is_blind = !store.is_current && !store.goes_on;
        let counts = self.limits.is_current || self.limits.goes_on;
        let stores = [
            is_blind.then_some(Problem::Revocations),
            (!counts).then_some(Problem::Limits),
        ];
        issuers.chain(stores.into_iter().flatten())
    }

    /// Whether every token that comes can be judged.
    pub fn is_ready(&self) -> bool {
        self.problems().next().is_none()
    }
}

impl<V: Vocabulary> Guard<V> {
    /// How the guard is. It asks nobody, and costs a few microseconds; some more while penalties run.
    ///
    /// # Examples
    /// ```
    /// # use clearance::{Guard, Problem, mcp::McpScopes};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    ///     .issuer("https://auth.example.com".parse()?)
    ///     .build()?;
    /// let health = guard.health();
    /// // Its keys were not fetched yet.
    /// assert!(!health.is_ready());
    /// let problems: Vec<String> = health.problems().map(|problem| problem.to_string()).collect();
    /// assert_eq!(problems, ["tokens of https://auth.example.com: not_fetched"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn health(&self) -> Health {
        self.inner.health()
    }
}

impl Inner {
    pub(crate) fn health(&self) -> Health {
        let rules = self.acceptance.rules();
        let now = rules.clock.monotonic();
        let issuers = rules.issuers.iter().zip(&self.vouchers);
        let (is_current, goes_on) = self.revocations.sharing().unwrap_or((true, true));
        Health {
            issuers: issuers
                .map(|(rules, voucher)| voucher.health(rules.issuer.clone(), now))
                .collect(),
            revocations: RevocationHealth {
                entries: self.revocations.len(),
                taken: self.revocations.taken(),
                is_current,
                goes_on,
            },
            limits: self.limit_health(),
            penalties: self.abuse.stats(now),
            decisions: self.auditor.decisions(),
            cache: self.cache.stats(),
            audit: self.auditor.stats(),
        }
    }
}

impl Inner {
    fn limit_health(&self) -> LimitHealth {
        let (is_current, goes_on) = self.limits.sharing().unwrap_or((true, true));
        LimitHealth {
            is_current,
            goes_on,
        }
    }
}

#[cfg(feature = "axum")]
impl Inner {
    /// Asks the issuers again, in the background: a guard to which nobody sends requests would never do so.
    pub(crate) fn look_again(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let this = Arc::clone(self);
        runtime.spawn(async move {
            for voucher in &this.vouchers {
                // Whatever comes of it is in the health.
                voucher.ready().await.ok();
            }
        });
    }
}

impl Voucher {
    fn health(&self, issuer: Issuer, now: Duration) -> IssuerHealth {
        match self {
            Self::Keys(keys) => {
                let status = keys.status(now);
                let serve = status.serve_for.is_none_or(|left| !left.is_zero());
                IssuerHealth {
                    issuer,
                    is_ready: status.keys > 0 && serve,
                    keys: status.keys,
                    age: status.age,
                    renewal_in: status.renewal_in,
                    serve_for: status.serve_for,
                    last_error: status.failure,
                    fetches: status.fetches,
                    failures: status.failures,
                }
            }
            #[cfg(feature = "fetch")]
            Self::Asked(asker) => {
                let told = asker.status();
                IssuerHealth {
                    issuer,
                    is_ready: told.is_found && told.failure.is_none(),
                    keys: 0,
                    age: None,
                    renewal_in: None,
                    serve_for: None,
                    last_error: told.failure,
                    fetches: told.questions,
                    failures: told.failures,
                }
            }
        }
    }
}
