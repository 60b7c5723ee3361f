//! How a guard is made.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use chrono::TimeDelta;

use super::admitted::joined;
use super::config::ConfigError;
use super::issuer::TrustedIssuer;
use super::voucher::Voucher;
use super::{Deny, Guard, Inner, QuotaChoice};
use crate::audit::{AuditSink, Auditor, SubjectKey};
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "fetch")]
use crate::id::Issuer;
use crate::id::Resource;
use crate::lifecycle::{MOST_ENTRIES, MOST_TOKENS, Revocations, Sharing, TokenCache};
use crate::limit::{Principals, Quota, Unlimited};
use crate::refusal::Answers;
use crate::scope::{Checked, ScopeTable, Vocabulary};
use crate::token::{
    Acceptance, HashKey, ISSUED_AT_SKEW, IssuerRules, KnownHeader, LONGEST_TOKEN, Rules,
};

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
    pub(super) quota: Option<Quota>,
    pub(super) most_principals: usize,
    pub(super) most_tokens: usize,
    pub(super) most_revocations: usize,
    pub(super) sharing: Option<Sharing>,
    pub(super) longest_token: usize,
    pub(super) per_operation: bool,
    pub(super) baseline: Vec<&'static str>,
    pub(super) deny: Vec<Deny>,
    /// Only ever taken out, but a builder may be looked at by several threads.
    pub(super) audit: Option<Mutex<Box<dyn AuditSink>>>,
    pub(super) subject_key: Option<SubjectKey>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The most leeway that can be set.
const MOST_LEEWAY: Duration = Duration::from_mins(5);
/// The longest lifetime and age that can be set: 20 000 years.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24 * 7_305_000);

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
                quota: Some(Quota::STANDARD),
                most_principals: 1 << 16,
                most_tokens: MOST_TOKENS,
                most_revocations: MOST_ENTRIES,
                sharing: None,
                longest_token: LONGEST_TOKEN,
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

impl Settings {
    fn assemble(
        self,
        table: ScopeTable,
        issuers: Vec<TrustedIssuer>,
    ) -> Result<Inner, ConfigError> {
        let (rules, vouchers) = self.vouched(&table, issuers)?;
        // With a bound, no sum of them can be too much for a date.
        let fits = |span: &Duration| !span.is_zero() && *span <= LONGEST_LIFETIME;
        let positive = |span: TimeDelta| span.to_std().ok().filter(fits);
        let max_lifetime = positive(self.max_lifetime).ok_or(ConfigError::Lifetime)?;
        let max_age = self
            .max_age
            .map(|oldest| positive(oldest).ok_or(ConfigError::Lifetime));
        let leeway = self
            .leeway
            .to_std()
            .ok()
            .filter(|leeway| *leeway <= MOST_LEEWAY);
        let leeway = leeway.ok_or(ConfigError::Leeway)?;
        // A token may have been issued a little after its revocation, by its issuer's clock.
        let keep = max_lifetime
            .saturating_add(leeway)
            .saturating_add(ISSUED_AT_SKEW);
        let (quota, alias) = (self.quota_choice()?, self.alias());
        let mut auditor = Auditor::new(Arc::clone(&self.clock), self.resource.clone());
        if let Some(key) = self.subject_key {
            auditor.hash_subjects(key);
        }
        if let Some(sink) = self.audit {
            let sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
            auditor.write_to(sink).ok().ok_or(ConfigError::Thread)?;
        }
        let revocations = Revocations::new(
            rules.iter().map(|rules| rules.issuer.clone()).collect(),
            Arc::clone(&self.clock),
            keep,
            self.most_revocations,
            self.sharing,
        );
        let baseline = (!self.baseline.is_empty()).then(|| joined(&self.baseline, rules.first()));
        Ok(Inner {
            #[cfg(feature = "metrics")]
            label: self.resource.as_str().into(),
            quota,
            cache: TokenCache::new(self.most_tokens, random_key()?),
            revocations: revocations.clone(),
            answers: Arc::new(Answers::new(self.resource.metadata_url().into(), baseline)),
            acceptance: Acceptance::new(Rules {
                alias,
                resource: self.resource,
                issuers: rules,
                leeway,
                max_lifetime,
                max_age: max_age.transpose()?,
                table,
                clock: self.clock,
                ends: Arc::new(revocations),
                hash_key: random_key()?,
            }),
            vouchers,
            auditor,
            deny: self.deny,
            longest_token: self.longest_token,
            known_header: KnownHeader::default(),
            per_operation: self.per_operation,
        })
    }

    /// The rules of the issuers, and what vouches for their tokens, in one order.
    fn vouched(
        &self,
        table: &ScopeTable,
        issuers: Vec<TrustedIssuer>,
    ) -> Result<(Vec<IssuerRules>, Vec<Voucher>), ConfigError> {
        let mut rules: Vec<IssuerRules> = Vec::new();
        let mut vouchers: Vec<Voucher> = Vec::new();
        for issuer in issuers {
            issuer.check(table)?;
            let name = &issuer.rules.issuer;
            if rules.iter().any(|known| known.issuer == *name) {
                return Err(ConfigError::RepeatedIssuer(name.clone()));
            }
            let voucher = issuer.voucher(&self.clock)?;
            #[cfg(feature = "fetch")]
            if voucher.asker().is_some() && vouchers.iter().any(|known| known.asker().is_some()) {
                return Err(ConfigError::SecondIntrospected(name.clone()));
            }
            vouchers.push(voucher);
            rules.push(issuer.rules);
        }
        Ok((rules, vouchers))
    }

    /// The origin, unless the resource is one itself.
    fn alias(&self) -> Option<Resource> {
        let origin = self.root_alias.then(|| self.resource.origin());
        origin.filter(|origin| origin.metadata_path() != self.resource.metadata_path())
    }

    fn quota_choice(&self) -> Result<QuotaChoice, ConfigError> {
        match self.quota {
            None => Ok(QuotaChoice::Unlimited(Unlimited)),
            Some(quota) => Principals::new(quota, self.most_principals, &self.clock)
                .map(QuotaChoice::Limited)
                .ok()
                .ok_or(ConfigError::Quota),
        }
    }
}

fn random_key() -> Result<HashKey, ConfigError> {
    let mut key = [0; 16];
    rand::fill(&mut key).ok().ok_or(ConfigError::Randomness)?;
    Ok(HashKey(key))
}

impl<V, St: std::fmt::Debug> std::fmt::Debug for GuardBuilder<V, St> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardBuilder")
            .field("resource", &self.settings.resource)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
