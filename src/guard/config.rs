//! What can be wrong with a configuration, and where an issuer's is judged.

use std::sync::Arc;

use super::issuer::{KeyConfig, TrustedIssuer};
use super::voucher::Voucher;
#[cfg(feature = "fetch")]
use crate::audit::Journal;
use crate::clock::Clock;
#[cfg(feature = "fetch")]
use crate::fetch::{ClientError, Place};
use crate::id::Issuer;
use crate::jwk::KeySetError;
use crate::keys::IssuerKeys;
#[cfg(feature = "fetch")]
use crate::keys::{Fetched, Fetcher, Source};
#[cfg(feature = "fetch")]
use crate::lifecycle::{Asker, Introspection};
use crate::scope::ScopeTable;
use crate::token::{ScopeSource, is_foreign_type};

/// What is wrong with a configuration. Requests never see one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// What proves to an issuer who asks it about tokens has an empty id or an empty secret.
    #[error("nothing proves to {0} who asks it about its tokens")]
    ClientAuthentication(Issuer),
    /// `accept_type` was given the type of another kind of token (RFC 8725 section 3.11), or `JWT`,
    /// which names no kind at all.
    #[error("`{0}` is not a type that access tokens alone have")]
    ForeignType(Box<str>),
    /// A claim was to be read, and its path has no name.
    #[error("the path of the claim that {0} writes scopes into is empty")]
    EmptyPath(Issuer),
    /// The HTTP client for asking an issuer cannot be set up, or a whole client was given as well as a
    /// proxy or a certificate for one.
    #[error("the HTTP client for {0} cannot be set up")]
    HttpClient(Issuer),
    /// An issuer that is asked about its tokens was given a whole HTTP client: it may follow redirects, and
    /// would take tokens and this server's secret along.
    #[error("{0} is asked about its tokens, and that takes no HTTP client")]
    IntrospectionClient(Issuer),
    /// The URL at which an issuer is asked about its tokens is neither `https`, nor `http` with the
    /// loopback host that the issuer has.
    #[error("the introspection endpoint of {0} is not acceptable")]
    IntrospectionEndpoint(Issuer),
    /// An answer about a token was to count for more than 5 minutes.
    #[error("an answer of {0} about a token may count for 5 minutes at most")]
    IntrospectionLifetime(Issuer),
    /// The fixed keys of an issuer are not a key set.
    #[error("the keys of {0} are not a key set: {1}")]
    KeySet(Issuer, KeySetError),
    /// The URL of an issuer's keys is neither `https`, nor `http` with the loopback host that the
    /// issuer has.
    #[error("the URL of the keys of {0} is not acceptable")]
    KeySetUrl(Issuer),
    /// The leeway is negative, or more than 300 seconds.
    #[error("the leeway must be between 0 and 300 seconds")]
    Leeway,
    /// The longest lifetime or age of a token is not positive, or more than 20 000 years.
    #[error("the longest lifetime and age must be positive, and at most 20 000 years")]
    Lifetime,
    /// Two guards would answer for one metadata URL.
    #[error("two resources have the metadata path `{0}`")]
    MetadataPath(Box<str>),
    /// No algorithm is allowed, so no token could be accepted.
    #[error("no algorithm is allowed for {0}")]
    NoAlgorithm(Issuer),
    /// No fixed key of an issuer can verify anything.
    #[error("no key of {0} can verify anything")]
    NoUsableKey(Issuer),
    /// The proxy on the way to an issuer is not an `http` or `https` URL.
    #[error("the proxy on the way to {0} is not an http or https URL")]
    Proxy(Issuer),
    /// A quota allows nothing, or so much that it cannot be counted, or is for no principal.
    #[error("a quota allows at least 1 request, at most 1 000 000 000 a second, and 1 principal")]
    Quota,
    /// The system gives no random bytes.
    #[error("no random bytes")]
    Randomness,
    /// An issuer was named twice.
    #[error("{0} was named twice")]
    RepeatedIssuer(Issuer),
    /// What was given as the certificate of an issuer's authority is none in PEM.
    #[error("the root certificate for {0} is not a certificate in PEM")]
    RootCertificate(Issuer),
    /// A second issuer was to be asked about tokens of which nothing can be read: one of them would be
    /// shown tokens of the other.
    #[error("{0} is the second issuer that would be asked about tokens")]
    SecondIntrospected(Issuer),
    /// A scope prefix is empty, has characters that no scope may have (RFC 6749 section 3.3), or a
    /// scope of the vocabulary begins with it, so that one name could mean two scopes.
    #[error("the scope prefix of {0} is not scope text, or a scope begins with it")]
    ScopePrefix(Issuer),
    /// axum cannot route the path of a metadata document: a segment begins with `:` or `*`.
    #[error("axum cannot route `{0}`")]
    UnroutablePath(Box<str>),
    /// The time that the keys of an issuer may serve while it is down is shorter than a minute, or
    /// longer than a day.
    #[error("the keys of {0} may serve between 1 minute and 24 hours while it is down")]
    StaleKeys(Issuer),
    /// The system gives no thread for the audit log.
    #[error("no thread for the audit log")]
    Thread,
    /// A table of claim values names a scope that the vocabulary does not have.
    #[error("`{0}` is not a scope of the vocabulary")]
    UnknownScope(Box<str>),
}

/// Whether this is the subtype of a media type, and nothing around it.
fn is_media_type(kind: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&byte);
    !kind.is_empty() && kind.bytes().all(plain)
}

impl TrustedIssuer {
    /// Judges the rules against the guard's vocabulary.
    pub(super) fn check(&self, table: &ScopeTable) -> Result<(), ConfigError> {
        let rules = &self.rules;
        let is_foreign =
            |kind: &str| !is_media_type(kind) || kind == "jwt" || is_foreign_type(kind);
        if let Some(kind) = rules.types.iter().find(|kind| is_foreign(kind)) {
            return Err(ConfigError::ForeignType(kind.clone()));
        }
        if rules.algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm(rules.issuer.clone()));
        }
        if !self.fetch.stale_limit_is_sound() {
            return Err(ConfigError::StaleKeys(rules.issuer.clone()));
        }
        if let Some(prefix) = rules.scope_prefix.as_deref() {
            let is_scope_text = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            let ambiguous = table.names(u64::MAX).any(|scope| scope.starts_with(prefix));
            if ambiguous || !prefix.bytes().all(is_scope_text) {
                return Err(ConfigError::ScopePrefix(rules.issuer.clone()));
            }
        }
        if let ScopeSource::Mapped {
            path,
            table: values,
        } = &rules.scopes
        {
            if path.is_empty() {
                return Err(ConfigError::EmptyPath(rules.issuer.clone()));
            }
            let unknown = values.iter().find(|(_, scope)| !table.contains_text(scope));
            if let Some((_, scope)) = unknown {
                return Err(ConfigError::UnknownScope(scope.clone()));
            }
        }
        Ok(())
    }

    /// What vouches for its tokens.
    #[cfg_attr(
        not(feature = "fetch"),
        expect(unused_variables, reason = "fixed keys need no clock")
    )]
    pub(super) fn voucher(&self, clock: &Arc<dyn Clock>) -> Result<Voucher, ConfigError> {
        let issuer = &self.rules.issuer;
        let keys = match &self.keys {
            KeyConfig::Fixed(keys) => {
                let keys = keys
                    .load(issuer.clone(), &self.rules.algorithms)
                    .map_err(|error| ConfigError::KeySet(issuer.clone(), error))?;
                if keys.is_empty() {
                    return Err(ConfigError::NoUsableKey(issuer.clone()));
                }
                IssuerKeys::Fixed(Arc::new(keys))
            }
            #[cfg(feature = "fetch")]
            KeyConfig::Discover => self.fetched(Source::Discovery, clock)?,
            #[cfg(feature = "fetch")]
            KeyConfig::JwksUri(uri) => match Source::jwks_uri(issuer, uri) {
                Some(source) => self.fetched(source, clock)?,
                None => return Err(ConfigError::KeySetUrl(issuer.clone())),
            },
            #[cfg(feature = "fetch")]
            KeyConfig::Asked(introspection) => {
                return self.asker(introspection, clock).map(Voucher::Asked);
            }
        };
        Ok(Voucher::Keys(keys))
    }
}

#[cfg(feature = "fetch")]
impl TrustedIssuer {
    fn fetched(&self, source: Source, clock: &Arc<dyn Clock>) -> Result<IssuerKeys, ConfigError> {
        let rules = &self.rules;
        let (issuer, algorithms) = (rules.issuer.clone(), rules.algorithms.clone());
        let fetcher = Fetcher::new(issuer, source, algorithms, &self.fetch);
        let fetcher = fetcher.map_err(|error| self.no_client(error))?;
        let (stale, journal) = (self.fetch.stale_limit, Arc::new(Journal));
        let keys = Fetched::new(fetcher, stale, Arc::clone(clock), journal);
        Ok(IssuerKeys::Fetched(keys))
    }

    /// Who asks it about its tokens.
    fn asker(
        &self,
        introspection: &Introspection,
        clock: &Arc<dyn Clock>,
    ) -> Result<Asker, ConfigError> {
        let issuer = &self.rules.issuer;
        if !introspection.authentication.is_sound() {
            return Err(ConfigError::ClientAuthentication(issuer.clone()));
        }
        if self.fetch.client.is_some() {
            return Err(ConfigError::IntrospectionClient(issuer.clone()));
        }
        if !introspection.is_lifetime_sound() {
            return Err(ConfigError::IntrospectionLifetime(issuer.clone()));
        }
        let endpoint = match introspection.endpoint.as_deref() {
            None => None,
            Some(url) => match Place::configured(issuer, url) {
                Some(place) => Some(place),
                None => return Err(ConfigError::IntrospectionEndpoint(issuer.clone())),
            },
        };
        let (introspection, clock) = (introspection.clone(), Arc::clone(clock));
        Asker::new(issuer.clone(), introspection, endpoint, &self.fetch, clock)
            .map_err(|error| self.no_client(error))
    }

    fn no_client(&self, error: ClientError) -> ConfigError {
        let issuer = self.rules.issuer.clone();
        match error {
            ClientError::Both | ClientError::Client => ConfigError::HttpClient(issuer),
            ClientError::Proxy => ConfigError::Proxy(issuer),
            ClientError::RootCertificate => ConfigError::RootCertificate(issuer),
        }
    }
}
