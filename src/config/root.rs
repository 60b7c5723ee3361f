//! The outermost table, as it is written.

use serde::de::{MapAccess, SeqAccess};

use super::Config;
use super::error::{Problem, SettingError};
use super::issuer::IssuerSetting;
use super::limit::Limit;
use super::path::Path;
use super::read::{self, Value};
use super::seals::SealSetting;
use super::values::{Identifier, NonEmpty, Whole, scope_of};
use crate::guard::GuardBuilder;
use crate::id::Resource;
use crate::scope::{ScopeTable, Vocabulary};

/// The most of anything that is remembered: as much as the limiter takes.
type Count<const LEAST: u64> = Whole<LEAST, 16_777_216>;
/// Up to 20 000 years, as the guard takes it.
type Lifetime = Whole<1, 631_152_000_000>;

/// What a configuration may say; resource and issuers are taken out of it.
#[derive(Clone, Default)]
pub(super) struct ConfigKeys {
    resource: Option<Identifier<Resource>>,
    issuers: Option<Issuers>,
    root_alias: Option<bool>,
    baseline: Option<Vec<Box<str>>>,
    leeway_seconds: Option<Whole<0, 300>>,
    max_lifetime_seconds: Option<Lifetime>,
    max_age_seconds: Option<Lifetime>,
    max_token_length: Option<Whole<1, 1_048_576>>,
    limit: Option<Limit>,
    max_principals: Option<Count<1>>,
    max_cached_tokens: Option<Count<0>>,
    max_revocations: Option<Count<0>>,
    challenge_per_operation: Option<bool>,
    pub(super) seal_keys: Option<SealSetting>,
}

super::keys!(
    ConfigKeys: resource,
    issuers,
    root_alias,
    baseline,
    leeway_seconds,
    max_lifetime_seconds,
    max_age_seconds,
    max_token_length,
    limit,
    max_principals,
    max_cached_tokens,
    max_revocations,
    challenge_per_operation,
    seal_keys
);

impl ConfigKeys {
    fn judged(mut self, at: Path<'_>) -> Result<Config, SettingError> {
        let missing = |key| at.key(key).fault(Problem::Missing(""));
        let resource = self.resource.take().ok_or_else(|| missing("resource"))?;
        if self.max_principals.is_some() && matches!(self.limit, Some(Limit::Unlimited)) {
            let problem = Problem::With("`limit = \"unlimited\"`");
            return Err(at.key("max_principals").fault(problem));
        }
        let Issuers(issuers) = self.issuers.take().ok_or_else(|| missing("issuers"))?;
        Ok(Config {
            resource,
            issuers,
            options: self,
        })
    }

    /// Whatever a guard need not be told.
    pub(super) fn on<V: Vocabulary, St>(
        &self,
        mut builder: GuardBuilder<V, St>,
        at: Path<'_>,
        scopes: &ScopeTable,
    ) -> Result<GuardBuilder<V, St>, SettingError> {
        if let Some(names) = &self.baseline {
            builder = builder.baseline_of(known(names, at.key("baseline"), scopes)?);
        }
        if self.root_alias == Some(true) {
            builder = builder.root_alias();
        }
        if self.challenge_per_operation == Some(true) {
            builder = builder.challenge_per_operation();
        }
        if let Some(leeway) = self.leeway_seconds {
            builder = builder.leeway(leeway.span());
        }
        if let Some(longest) = self.max_lifetime_seconds {
            builder = builder.max_lifetime(longest.span());
        }
        if let Some(oldest) = self.max_age_seconds {
            builder = builder.max_age(oldest.span());
        }
        if let Some(longest) = self.max_token_length {
            builder = builder.max_token_length(longest.count());
        }
        Ok(self.with_bounds(builder))
    }

    fn with_bounds<V: Vocabulary, St>(
        &self,
        mut builder: GuardBuilder<V, St>,
    ) -> GuardBuilder<V, St> {
        builder = match self.limit {
            None => builder,
            Some(Limit::Quota(quota)) => builder.limit(quota),
            Some(Limit::Unlimited) => builder.unlimited(),
        };
        if let Some(most) = self.max_principals {
            builder = builder.max_principals(most.count());
        }
        if let Some(most) = self.max_cached_tokens {
            builder = builder.max_cached_tokens(most.count());
        }
        if let Some(most) = self.max_revocations {
            builder = builder.max_revocations(most.count());
        }
        builder
    }
}

/// Scopes of the vocabulary, each named once.
fn known(
    names: &[Box<str>],
    at: Path<'_>,
    scopes: &ScopeTable,
) -> Result<Vec<&'static str>, SettingError> {
    let mut known = Vec::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let at = at.item(place);
        let scope = scope_of(scopes, at, name)?;
        if known.contains(&scope) {
            return Err(at.fault(Problem::Twice));
        }
        known.push(scope);
    }
    Ok(known)
}

impl Value for Config {
    fn expected() -> String {
        "a table with `resource` and `issuers`".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table(at, table, ConfigKeys::judged)
    }
}

/// Issuers, each named once, and one at most that is asked about its tokens.
#[derive(Clone)]
struct Issuers(NonEmpty<IssuerSetting>);

impl Value for Issuers {
    fn expected() -> String {
        "a list with one issuer at least".to_owned()
    }

    fn of_list<'de, A: SeqAccess<'de>>(at: Path<'_>, list: A) -> Result<Self, A::Error> {
        let issuers = NonEmpty::<IssuerSetting>::of_list(at, list)?;
        let mut known = Vec::new();
        let mut is_asked = false;
        for (place, issuer) in issuers.iter().enumerate() {
            let at = at.item(place);
            if let Ok(identifier) = issuer.identifier.get() {
                if known.contains(&identifier) {
                    return Err(at.key("identifier").error(Problem::Twice));
                }
                known.push(identifier);
            }
            if issuer.is_asked() && is_asked {
                let problem =
                    Problem::expected("one issuer at most that is asked about its tokens");
                return Err(at.key("introspection").error(problem));
            }
            is_asked |= issuer.is_asked();
        }
        Ok(Self(issuers))
    }
}
