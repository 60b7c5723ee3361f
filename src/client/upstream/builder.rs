//! What is said about an exchange.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use quick_cache::sync::Cache;

use super::super::scopes::Scopes;
use super::super::shared::Client;
use super::super::{ClientBuilder, ScopesError};
use super::{Exchange, ExchangeConfigError, Shared};
use crate::credentials::ClientAuthentication;
use crate::guard::ExchangeSource;
use crate::id::{Issuer, Resource};

/// How many tokens are remembered unless something else is said.
const MOST_TOKENS: usize = 10_000;

/// An exchange that does not know yet which service it is for.
#[must_use = "it exchanges nothing before `build`"]
pub struct WantsUpstream {
    source: ExchangeSource,
}

/// An [`Exchange`] that is being set up; see [`Exchange::builder`].
#[must_use = "there is no exchange before `build`"]
pub struct ExchangeBuilder {
    source: ExchangeSource,
    client: ClientBuilder,
    issuers: Vec<Issuer>,
    audience: Box<str>,
    scopes: Result<Scopes, ScopesError>,
    most: usize,
}

impl WantsUpstream {
    pub(super) const fn new(source: ExchangeSource) -> Self {
        Self { source }
    }

    /// The service that is called: the URL that its requests have in common, and the value of `resource`
    /// (RFC 8693 section 2.1).
    pub fn upstream(self, resource: Resource) -> ExchangeBuilder {
        let clock = Arc::clone(self.source.clock());
        ExchangeBuilder {
            source: self.source,
            client: Client::builder(resource).clock(clock),
            issuers: Vec::new(),
            audience: Box::default(),
            scopes: Ok(Scopes::default()),
            most: MOST_TOKENS,
        }
    }
}

impl ExchangeBuilder {
    /// As whom this server asks `issuer`, which is one of the guard's. Callers of other issuers have no
    /// upstream token. Once per issuer.
    pub fn authentication(mut self, issuer: Issuer, who: ClientAuthentication) -> Self {
        self.client = self
            .client
            .allow_issuer(issuer.clone())
            .pre_registered(issuer.clone(), who);
        self.issuers.push(issuer);
        self
    }

    /// What is asked for, with spaces between scopes. Unless said, the issuer decides.
    pub fn scope(mut self, scopes: &str) -> Self {
        self.scopes = scopes.parse();
        self
    }

    /// How the issuer calls the service, where that is not its URL: the value of `audience`
    /// (RFC 8693 section 2.1), beside `resource`.
    pub fn audience(mut self, name: impl Into<Box<str>>) -> Self {
        self.audience = name.into();
        self
    }

    /// How many tokens are remembered: 10 000 unless said. Each is that of one token of one caller.
    pub const fn max_cached(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// How long one request to an issuer takes at most: 10 seconds unless said.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.client = self.client.time_limit(limit);
        self
    }

    /// Believes certificates of issuers that this authority has signed, too (PEM).
    pub fn root_certificate(mut self, pem: impl Into<Box<[u8]>>) -> Self {
        self.client = self.client.root_certificate(pem);
        self
    }

    /// The exchange. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ExchangeConfigError`]
    pub fn build(self) -> Result<Exchange, ExchangeConfigError> {
        if self.issuers.is_empty() {
            return Err(ExchangeConfigError::NoIssuer);
        }
        if let Some(foreign) = self
            .issuers
            .iter()
            .find(|issuer| !self.source.trusts(issuer))
        {
            return Err(ExchangeConfigError::UnknownIssuer(foreign.clone()));
        }
        let names = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new());
        Ok(Exchange {
            shared: Arc::new(Shared {
                source: self.source,
                client: self.client.build()?,
                audience: self.audience,
                scopes: self.scopes?,
                tokens: Cache::new(self.most.max(1)),
                names: names.ok().ok_or(ExchangeConfigError::Randomness)?,
            }),
        })
    }
}

impl std::fmt::Debug for WantsUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WantsUpstream").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ExchangeBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExchangeBuilder")
            .field("client", &self.client)
            .field("issuers", &self.issuers)
            .finish_non_exhaustive()
    }
}
