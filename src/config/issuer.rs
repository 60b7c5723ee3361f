//! An issuer, as it is written.

use serde::de::MapAccess;

use super::error::{Problem, SettingError};
#[cfg(feature = "fetch")]
use super::introspection::IntrospectionSetting;
use super::path::Path;
#[cfg(feature = "fetch")]
use super::proxy::Proxy;
use super::read::{self, Value};
#[cfg(feature = "fetch")]
use super::values::Whole;
use super::values::{Identifier, Mapping, NonEmpty, scope_of};
use crate::guard::TrustedIssuer;
use crate::id::Issuer;
use crate::jwk::Algorithm;
use crate::keys::FixedKeys;
use crate::scope::ScopeTable;
#[cfg(feature = "fetch")]
use crate::secret::read_file;
use crate::token::ClientClaim;

/// The longest file with certificates that is read, in bytes: more than the authorities of a system need.
#[cfg(feature = "fetch")]
const LONGEST_FILE: usize = 1024 * 1024;

/// An issuer, and how its tokens are judged.
#[derive(Clone)]
pub(super) struct IssuerSetting {
    pub(super) identifier: Identifier<Issuer>,
    judged: Judged,
    options: IssuerKeys,
}

/// By what its tokens are judged.
#[derive(Clone)]
enum Judged {
    FixedKeys(Box<str>),
    #[cfg(feature = "fetch")]
    KeysAt(Box<str>),
    #[cfg(feature = "fetch")]
    Discovery,
    #[cfg(feature = "fetch")]
    Asking(Box<IntrospectionSetting>),
}

#[derive(Clone, Default)]
struct IssuerKeys {
    identifier: Option<Identifier<Issuer>>,
    keys_file: Option<Box<str>>,
    #[cfg(feature = "fetch")]
    jwks_uri: Option<Box<str>>,
    #[cfg(feature = "fetch")]
    introspection: Option<IntrospectionSetting>,
    allow_algorithms: Option<Vec<Algorithm>>,
    only_algorithms: Option<NonEmpty<Algorithm>>,
    accept_generic_type: Option<bool>,
    accept_types: Option<Vec<Box<str>>>,
    accept_audiences: Option<Vec<Box<str>>>,
    client_from: Option<ClientClaim>,
    scopes_may_be_arrays: Option<bool>,
    scopes_from_scp: Option<bool>,
    scopes_from_claim: Option<ScopesFromClaim>,
    scope_prefix: Option<Box<str>>,
    without_token_id: Option<bool>,
    #[cfg(feature = "fetch")]
    without_issued_at: Option<bool>,
    #[cfg(feature = "fetch")]
    fetch_time_limit_seconds: Option<Whole<1, 300>>,
    #[cfg(feature = "fetch")]
    stale_keys_limit_seconds: Option<Whole<60, 86_400>>,
    #[cfg(feature = "fetch")]
    root_certificates: Option<Vec<Box<str>>>,
    #[cfg(feature = "fetch")]
    proxy: Option<Proxy>,
}

super::keys!(
    IssuerKeys: identifier,
    keys_file,
    #[cfg(feature = "fetch")] jwks_uri,
    #[cfg(feature = "fetch")] introspection,
    allow_algorithms,
    only_algorithms,
    accept_generic_type,
    accept_types,
    accept_audiences,
    client_from,
    scopes_may_be_arrays,
    scopes_from_scp,
    scopes_from_claim,
    scope_prefix,
    without_token_id,
    #[cfg(feature = "fetch")] without_issued_at,
    #[cfg(feature = "fetch")] fetch_time_limit_seconds,
    #[cfg(feature = "fetch")] stale_keys_limit_seconds,
    #[cfg(feature = "fetch")] root_certificates,
    #[cfg(feature = "fetch")] proxy
);

impl Value for IssuerSetting {
    fn expected() -> String {
        "a table with `identifier`".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table(at, table, IssuerKeys::judged)
    }
}

impl IssuerKeys {
    fn judged(mut self, at: Path<'_>) -> Result<IssuerSetting, SettingError> {
        let missing = |key, hint| at.key(key).fault(Problem::Missing(hint));
        let identifier = self.identifier.take();
        let identifier = identifier.ok_or_else(|| missing("identifier", ""))?;
        one_of(
            at,
            &[
                ("only_algorithms", self.only_algorithms.is_some()),
                ("allow_algorithms", self.allow_algorithms.is_some()),
            ],
        )?;
        one_of(
            at,
            &[
                ("scopes_from_claim", self.scopes_from_claim.is_some()),
                ("scopes_from_scp", self.scopes_from_scp == Some(true)),
                (
                    "scopes_may_be_arrays",
                    self.scopes_may_be_arrays == Some(true),
                ),
            ],
        )?;
        #[cfg(feature = "fetch")]
        let judged = self.judged_by(at)?;
        #[cfg(not(feature = "fetch"))]
        let judged = match self.keys_file.take() {
            Some(file) => Judged::FixedKeys(file),
            None => return Err(missing("keys_file", NO_FETCH)),
        };
        Ok(IssuerSetting {
            identifier,
            judged,
            options: self,
        })
    }

    #[cfg(feature = "fetch")]
    fn judged_by(&mut self, at: Path<'_>) -> Result<Judged, SettingError> {
        let is_asked = self.introspection.is_some();
        one_of(
            at,
            &[
                ("introspection", is_asked),
                ("jwks_uri", self.jwks_uri.is_some()),
                ("keys_file", self.keys_file.is_some()),
            ],
        )?;
        if self.without_issued_at == Some(true) && !is_asked {
            let problem = Problem::Without("introspection");
            return Err(at.key("without_issued_at").fault(problem));
        }
        let stale = self.stale_keys_limit_seconds.is_some();
        let stale = ("stale_keys_limit_seconds", stale);
        if let Some(file) = self.keys_file.take() {
            let limit = self.fetch_time_limit_seconds.is_some();
            let idle = [
                ("fetch_time_limit_seconds", limit),
                stale,
                ("root_certificates", self.root_certificates.is_some()),
                ("proxy", self.proxy.is_some()),
            ];
            return none_of(at, &idle, "`keys_file`").map(|()| Judged::FixedKeys(file));
        }
        if let Some(introspection) = self.introspection.take() {
            // Nobody here verifies a signature, or reads a header.
            let idle = [
                ("allow_algorithms", self.allow_algorithms.is_some()),
                ("only_algorithms", self.only_algorithms.is_some()),
                ("accept_types", self.accept_types.is_some()),
                stale,
            ];
            let asking = Judged::Asking(Box::new(introspection));
            return none_of(at, &idle, "`introspection`").map(|()| asking);
        }
        let uri = self.jwks_uri.take();
        Ok(uri.map_or(Judged::Discovery, Judged::KeysAt))
    }
}

#[cfg(not(feature = "fetch"))]
const NO_FETCH: &str = ": without the feature `fetch` keys are never fetched";

/// Refuses keys that do nothing.
#[cfg(feature = "fetch")]
fn none_of(
    at: Path<'_>,
    idle: &[(&'static str, bool)],
    with: &'static str,
) -> Result<(), SettingError> {
    match idle.iter().find(|(_, is_given)| *is_given) {
        Some((idle, _)) => Err(at.key(idle).fault(Problem::With(with))),
        None => Ok(()),
    }
}

/// Refuses the second of keys of which one may be given.
fn one_of(at: Path<'_>, keys: &[(&'static str, bool)]) -> Result<(), SettingError> {
    let mut given = keys.iter().filter(|(_, is_given)| *is_given);
    match (given.next(), given.next()) {
        (Some((first, _)), Some((second, _))) => Err(at.key(second).fault(Problem::Beside(first))),
        _ => Ok(()),
    }
}

/// Another claim that scopes are read from.
#[derive(Clone, Debug)]
struct ScopesFromClaim {
    path: NonEmpty<Box<str>>,
    table: Mapping,
}

#[derive(Default)]
struct ClaimKeys {
    path: Option<NonEmpty<Box<str>>>,
    table: Option<Mapping>,
}

super::keys!(ClaimKeys: path, table);

impl Value for ScopesFromClaim {
    fn expected() -> String {
        "a table with `path` and `table`".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table(at, table, |keys: ClaimKeys, at| {
            let missing = |key| at.key(key).fault(Problem::Missing(""));
            Ok(Self {
                path: keys.path.ok_or_else(|| missing("path"))?,
                table: keys.table.ok_or_else(|| missing("table"))?,
            })
        })
    }
}

impl IssuerSetting {
    /// The issuer as the builder wants it. Keys, certificates and secrets are read now.
    pub(super) fn trusted(
        &self,
        at: Path<'_>,
        scopes: &ScopeTable,
    ) -> Result<TrustedIssuer, SettingError> {
        let identifier = self.identifier.get();
        let identifier = identifier.map_err(|problem| at.key("identifier").fault(problem))?;
        let identifier = identifier.clone();
        let trusted = match &self.judged {
            Judged::FixedKeys(file) => match FixedKeys::from_file(&**file) {
                Ok(keys) => TrustedIssuer::with_keys(identifier, keys),
                Err(error) => {
                    let problem = Problem::File(file.clone(), error.kind());
                    return Err(at.key("keys_file").fault(problem));
                }
            },
            #[cfg(feature = "fetch")]
            Judged::KeysAt(uri) => TrustedIssuer::with_jwks_uri(identifier, uri.clone()),
            #[cfg(feature = "fetch")]
            Judged::Discovery => TrustedIssuer::new(identifier),
            #[cfg(feature = "fetch")]
            Judged::Asking(introspection) => {
                let introspection = introspection.introspection(at.key("introspection"))?;
                TrustedIssuer::introspected(identifier, introspection)
            }
        };
        let trusted = self.options.on_tokens(trusted);
        let trusted = self.options.on_scopes(trusted, at, scopes)?;
        #[cfg(feature = "fetch")]
        let trusted = self.options.on_fetching(trusted, at)?;
        Ok(trusted)
    }

    /// Whether it is asked about its tokens.
    pub(super) const fn is_asked(&self) -> bool {
        match &self.judged {
            #[cfg(feature = "fetch")]
            Judged::Asking(_) => true,
            #[cfg(feature = "fetch")]
            Judged::KeysAt(_) | Judged::Discovery => false,
            Judged::FixedKeys(_) => false,
        }
    }

    /// Whether this media type is accepted of it, as the guard writes it: short and in lower case.
    pub(super) fn accepts_type(&self, media_type: &str) -> bool {
        let mut types = self.options.accept_types.iter().flatten();
        types.any(|known| {
            let known = known.to_ascii_lowercase();
            known.strip_prefix("application/").unwrap_or(&known) == media_type
        })
    }
}

impl IssuerKeys {
    fn on_tokens(&self, mut issuer: TrustedIssuer) -> TrustedIssuer {
        if let Some(only) = &self.only_algorithms {
            let only: Vec<_> = only.iter().copied().collect();
            issuer = issuer.only_algorithms(&only);
        }
        for algorithm in self.allow_algorithms.iter().flatten() {
            issuer = issuer.allow_algorithm(*algorithm);
        }
        if self.accept_generic_type == Some(true) {
            issuer = issuer.accept_generic_type();
        }
        for media_type in self.accept_types.iter().flatten() {
            issuer = issuer.accept_type(media_type);
        }
        for audience in self.accept_audiences.iter().flatten() {
            issuer = issuer.accept_audience(audience.clone());
        }
        if let Some(claim) = self.client_from {
            issuer = issuer.client_from(claim);
        }
        if self.without_token_id == Some(true) {
            issuer = issuer.without_token_id();
        }
        #[cfg(feature = "fetch")]
        if self.without_issued_at == Some(true) {
            issuer = issuer.without_issued_at();
        }
        issuer
    }

    fn on_scopes(
        &self,
        mut issuer: TrustedIssuer,
        at: Path<'_>,
        known: &ScopeTable,
    ) -> Result<TrustedIssuer, SettingError> {
        if self.scopes_may_be_arrays == Some(true) {
            issuer = issuer.scopes_may_be_arrays();
        }
        if self.scopes_from_scp == Some(true) {
            issuer = issuer.scopes_from_scp();
        }
        if let Some(ScopesFromClaim { path, table }) = &self.scopes_from_claim {
            let at = at.key("scopes_from_claim");
            let at = at.key("table");
            let mut rows = Vec::new();
            for (value, scopes) in &table.0 {
                let at = at.key(value);
                scopes.each(at, |at, scope| {
                    rows.push((&**value, scope_of(known, at, scope)?));
                    Ok(())
                })?;
            }
            let path: Vec<_> = path.iter().map(|name| &**name).collect();
            issuer = issuer.scopes_from_claim(&path, &rows);
        }
        Ok(match &self.scope_prefix {
            Some(prefix) => issuer.scope_prefix(prefix.clone()),
            None => issuer,
        })
    }
}

#[cfg(feature = "fetch")]
impl IssuerKeys {
    fn on_fetching(
        &self,
        mut issuer: TrustedIssuer,
        at: Path<'_>,
    ) -> Result<TrustedIssuer, SettingError> {
        if let Some(limit) = self.fetch_time_limit_seconds {
            issuer = issuer.fetch_time_limit(limit.seconds());
        }
        if let Some(limit) = self.stale_keys_limit_seconds {
            issuer = issuer.stale_keys_limit(limit.seconds());
        }
        for (place, file) in self.root_certificates.iter().flatten().enumerate() {
            issuer = match read_file(file.as_ref().as_ref(), LONGEST_FILE) {
                Ok(pem) => issuer.root_certificate(pem.as_slice()),
                Err(error) => {
                    let at = at.key("root_certificates");
                    let problem = Problem::File(file.clone(), error.kind());
                    return Err(at.item(place).fault(problem));
                }
            };
        }
        if let Some(proxy) = &self.proxy {
            issuer = issuer.proxy(proxy.url(at.key("proxy"))?);
        }
        Ok(issuer)
    }
}
