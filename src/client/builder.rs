//! What an application says about itself.

use std::sync::Arc;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::registration::ClientMetadataDocument;
use super::shared::{Client, Settings};
use crate::clock::{Clock, SystemClock};
use crate::credentials::ClientAuthentication;
use crate::fetch::{ClientError, FetchOptions, WebClient};
use crate::id::{Issuer, Resource};

/// A [`Client`] that is being set up; see [`Client::builder`].
#[derive(Debug)]
#[must_use = "there is no client before `build`"]
pub struct ClientBuilder {
    endpoint: Resource,
    settings: Settings,
    clock: Arc<dyn Clock>,
    options: FetchOptions,
}

/// What was said about a client cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// The credential for this issuer proves nothing: an id or a secret is empty.
    #[error("the credential for {0} is empty")]
    Credential(Issuer),
    /// Two credentials are for this issuer.
    #[error("there are two credentials for {0}")]
    TwoCredentials(Issuer),
    /// No HTTP client can be set up.
    #[error("no HTTP client can be set up")]
    HttpClient,
    /// The proxy is not the URL of an HTTP proxy.
    #[error("the proxy is not the URL of an HTTP proxy")]
    Proxy,
    /// The text is no certificate in PEM.
    #[error("a root certificate is not written in PEM")]
    RootCertificate,
}

impl ClientBuilder {
    pub(super) fn new(endpoint: Resource) -> Self {
        Self {
            endpoint,
            settings: Settings::standard(),
            clock: Arc::new(SystemClock),
            options: FetchOptions::standard(),
        }
    }

    /// How the client calls itself where it registers. Default: `MCP client`.
    pub fn name(mut self, name: &str) -> Self {
        self.settings.name = name.into();
        self
    }

    /// The application is registered with `issuer` by hand, with this id and secret or key. They are shown
    /// to this issuer alone. Once per issuer.
    pub fn pre_registered(mut self, issuer: Issuer, client: ClientAuthentication) -> Self {
        self.settings.pre_registered.push((issuer, client));
        self
    }

    /// The application publishes this document about itself, whose URL is its id wherever that is
    /// supported.
    pub fn metadata_document(mut self, document: ClientMetadataDocument) -> Self {
        self.settings.document = Some(document);
        self
    }

    /// Takes tokens from this issuer, and from no other that is not allowed by name. It is asked wherever
    /// it is. Default: from any issuer that the endpoint names.
    pub fn allow_issuer(mut self, issuer: Issuer) -> Self {
        self.settings.allowed.push(issuer);
        self
    }

    /// Wants no refresh tokens. Default: it does.
    pub const fn without_refresh(mut self) -> Self {
        self.settings.wants_refresh = false;
        self
    }

    /// Lets a challenge name metadata on another origin than the endpoint's, at public addresses. Default:
    /// it must be on the endpoint's own (RFC 9728 section 7.7).
    pub const fn allow_metadata_on_other_origins(mut self) -> Self {
        self.settings.metadata_elsewhere = true;
        self
    }

    /// Accepts metadata about a parent of the endpoint: the same origin, and a path that the endpoint's
    /// continues after a slash. Default: it must be about the endpoint (RFC 9728 section 3.3).
    pub const fn accept_parent_resource(mut self) -> Self {
        self.settings.parent_resource = true;
        self
    }

    /// Where an endpoint has no metadata, does as MCP 2025-03-26 says: its origin is the authorization
    /// server, and what that does not say about itself is guessed. There nobody promises that PKCE is
    /// heeded. Default: an endpoint without metadata is an error.
    pub const fn legacy_2025_03_26(mut self) -> Self {
        self.settings.legacy = true;
        self
    }

    /// Takes the time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long one request takes at most. Default: 10 seconds.
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.options.time_limit = limit;
        self
    }

    /// Believes certificates that this authority has signed, too (PEM).
    pub fn root_certificate(mut self, pem: impl Into<Box<[u8]>>) -> Self {
        self.options.roots.push(pem.into());
        self
    }

    /// Goes through this HTTP proxy. It looks up the names of hosts, so addresses are not checked here;
    /// requests that carry secrets then go to issuers alone that are allowed by name.
    pub fn proxy(mut self, url: impl Into<Box<str>>) -> Self {
        self.options.proxy = Some(url.into());
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientConfigError`]
    pub fn build(self) -> Result<Client, ClientConfigError> {
        let mut seen: Vec<&Issuer> = Vec::new();
        for (issuer, client) in &self.settings.pre_registered {
            if !client.is_usable() {
                return Err(ClientConfigError::Credential(issuer.clone()));
            }
            if seen.contains(&issuer) {
                return Err(ClientConfigError::TwoCredentials(issuer.clone()));
            }
            seen.push(issuer);
        }
        let endpoint = Endpoint::new(self.endpoint).ok_or(ClientConfigError::HttpClient)?;
        let web = WebClient::new(endpoint.is_loopback(), &self.options);
        let web = web.map_err(|error| match error {
            ClientError::Both | ClientError::Client => ClientConfigError::HttpClient,
            ClientError::Proxy => ClientConfigError::Proxy,
            ClientError::RootCertificate => ClientConfigError::RootCertificate,
        })?;
        Ok(Client::new(endpoint, self.settings, web, self.clock))
    }
}
