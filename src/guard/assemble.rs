//! From what was said about a guard to the guard.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use chrono::TimeDelta;

use super::Inner;
use super::builder::Settings;
use super::config::ConfigError;
use super::issuer::{TrustedIssuer, joined};
use super::voucher::Voucher;
use crate::audit::{Auditor, Journal};
use crate::id::Resource;
use crate::lifecycle::{Revocations, TokenCache};
use crate::limit::{Abuse, Limits, PeerLimits, Peers};
use crate::refusal::Answers;
use crate::scope::ScopeTable;
use crate::token::{Acceptance, HashKey, ISSUED_AT_SKEW, IssuerRules, KnownHeader, Rules};

/// The most leeway that can be set.
const MOST_LEEWAY: Duration = Duration::from_mins(5);
/// The longest lifetime and age that can be set: 20 000 years.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24 * 7_305_000);

impl Settings {
    pub(super) fn assemble(
        mut self,
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
        let leeway = self.leeway.to_std().ok();
        let leeway = leeway.filter(|leeway| *leeway <= MOST_LEEWAY);
        let leeway = leeway.ok_or(ConfigError::Leeway)?;
        // A token may have been issued a little after its revocation, by its issuer's clock.
        let keep = max_lifetime
            .saturating_add(leeway)
            .saturating_add(ISSUED_AT_SKEW);
        let (abuse, alias) = (self.abuse()?, self.alias());
        let (limits, peers, auditor) = (self.limits()?, self.peers()?, self.auditor()?);
        let revocations = Revocations::new(
            (
                self.resource.clone(),
                rules.iter().map(|rules| rules.issuer.clone()).collect(),
            ),
            Arc::clone(&self.clock),
            keep,
            self.most_revocations,
            self.sharing,
        );
        let baseline = (!self.baseline.is_empty()).then(|| joined(&self.baseline, rules.first()));
        Ok(Inner {
            #[cfg(any(feature = "axum", feature = "metrics"))]
            is_looking: false.into(),
            #[cfg(feature = "metrics")]
            published: std::sync::Mutex::default(),
            #[cfg(feature = "metrics")]
            label: self.resource.as_str().into(),
            abuse,
            limits,
            peers,
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
            #[cfg(feature = "client")]
            keeps_tokens: self.keeps_tokens,
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

    /// Who writes down what the guard decides.
    fn auditor(&mut self) -> Result<Auditor, ConfigError> {
        let mut auditor = Auditor::new(Arc::clone(&self.clock), self.resource.clone());
        if let Some(key) = self.subject_key.take() {
            auditor.hash_subjects(key);
        }
        if let Some(sink) = self.audit.take() {
            let sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
            auditor.write_to(sink).ok().ok_or(ConfigError::Thread)?;
        }
        Ok(auditor)
    }

    fn abuse(&self) -> Result<Abuse, ConfigError> {
        let peers = self.peers.as_ref().map(Peers::choices);
        let abuse = Abuse::new(self.limits.refusals, peers, Arc::new(Journal));
        abuse.ok().ok_or(ConfigError::Quota)
    }

    fn peers(&mut self) -> Result<Option<PeerLimits>, ConfigError> {
        let Some(peers) = self.peers.take() else {
            return Ok(None);
        };
        let peers = PeerLimits::new(peers, &self.clock, random_key()?);
        peers.map(Some).ok().ok_or(ConfigError::Quota)
    }

    fn limits(&mut self) -> Result<Limits, ConfigError> {
        let choices = std::mem::take(&mut self.limits);
        let limits = Limits::new(choices, &self.clock, Arc::new(Journal), random_key()?);
        limits.ok().ok_or(ConfigError::Quota)
    }
}

fn random_key() -> Result<HashKey, ConfigError> {
    let mut key = [0; 16];
    rand::fill(&mut key).ok().ok_or(ConfigError::Randomness)?;
    Ok(HashKey(key))
}
