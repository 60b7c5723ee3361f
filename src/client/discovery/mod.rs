//! Who issues tokens for a resource, and where.
//!
//! First the metadata of the resource (`resource`, RFC 9728), then that of the issuer which is chosen
//! among those that it names (`server`, RFC 8414). A document that is not there lets the next place be
//! asked; one that cannot be had, or does not count, ends it: otherwise whoever can spoil an answer could
//! choose a weaker one.

mod error;
mod known;
mod resource;
mod server;

pub use error::DiscoveryError;

pub(super) use known::KnownServers;
pub(super) use server::{ServerMetadata, TokenServer};

use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::challenge::Challenge;
use super::document::Members;
use super::scopes::Scopes;
use super::shared::Client;
use super::tokens::TokenSet;
use crate::fetch::{FetchError, Place};
use crate::id::{Issuer, Resource};
use resource::ResourceMetadata;

/// The endpoint's issuer is found, and has said about itself what is needed.
///
/// # Proves
/// The endpoint names the issuer in metadata about [`resource`](Self::resource), which is the endpoint or,
/// where only the origin has metadata, the origin; and the issuer's metadata is in its own name. Both were
/// compared as text.
///
/// # Does not prove
/// That the issuer is honest. The endpoint chose it; [`ClientBuilder::allow_issuer`] lets the application
/// choose.
///
/// [`ClientBuilder::allow_issuer`]: super::ClientBuilder::allow_issuer
#[must_use = "nobody is asked for a token before a grant is begun"]
pub struct Discovered {
    pub(super) client: Client,
    pub(super) resource: Resource,
    pub(super) server: Arc<ServerMetadata>,
    pub(super) scopes: Scopes,
    choice: IssuerChoice,
}

/// Why an issuer was chosen among those that the resource names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerChoice {
    /// The client is registered there already.
    Registered,
    /// It is the first that is acceptable.
    First,
    /// There was none to choose from: the resource has no metadata, and its origin is taken for the issuer,
    /// as MCP 2025-03-26 says.
    Legacy,
}

impl Discovered {
    /// What tokens will be for: the value of `resource` in every request.
    pub const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Who issues tokens.
    pub fn issuer(&self) -> &Issuer {
        &self.server.tokens.issuer
    }

    /// Why this issuer.
    pub const fn choice(&self) -> IssuerChoice {
        self.choice
    }

    /// What will be asked for: the scopes of the challenge, or else those of the resource.
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Asks for these scopes instead.
    pub fn asking_for(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Asks for what was requested and granted before, and for what the challenge names
    /// ([`Scopes::stepping_up`]).
    pub fn stepping_up(mut self, from: &TokenSet) -> Self {
        self.scopes = Scopes::stepping_up(from.requested(), from.granted(), &self.scopes);
        self
    }
}

impl fmt::Debug for Discovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovered")
            .field("resource", &self.resource)
            .field("issuer", self.issuer())
            .field("choice", &self.choice)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

pub(super) async fn discover(
    client: &Client,
    challenge: &Challenge,
) -> Result<Discovered, DiscoveryError> {
    let metadata = match resource::find(client, challenge).await {
        Err(DiscoveryError::NoMetadata) if client.settings().legacy => {
            return legacy(client, challenge).await;
        }
        found => found?,
    };
    let (issuer, choice) = chosen(client, &metadata)?;
    let server = client.server(&issuer).await?;
    let scopes = Scopes::initial(challenge.scopes(), metadata.scopes_supported.as_ref());
    Ok(Discovered {
        client: client.clone(),
        resource: metadata.resource,
        server,
        scopes,
        choice,
    })
}

/// Among those that are allowed, one where the client is registered; else the first.
fn chosen(
    client: &Client,
    metadata: &ResourceMetadata,
) -> Result<(Issuer, IssuerChoice), DiscoveryError> {
    let is_known = |issuer: &&Issuer| {
        client.pre_registered(issuer).is_some() || client.registration_with(issuer).is_some()
    };
    let mut acceptable = metadata
        .issuers
        .iter()
        .filter(|issuer| client.allows(issuer));
    let known = acceptable.clone().find(is_known);
    let first = || {
        acceptable
            .next()
            .map(|issuer| (issuer, IssuerChoice::First))
    };
    let chosen = known.map(|issuer| (issuer, IssuerChoice::Registered));
    let (issuer, choice) = chosen
        .or_else(first)
        .ok_or(DiscoveryError::IssuerNotAllowed)?;
    Ok((issuer.clone(), choice))
}

/// MCP 2025-03-26: the origin of the endpoint is the authorization server.
async fn legacy(client: &Client, challenge: &Challenge) -> Result<Discovered, DiscoveryError> {
    let origin = client.endpoint().origin();
    let issuer: Issuer = origin
        .as_str()
        .parse()
        .ok()
        .ok_or(DiscoveryError::NoAuthorizationServer)?;
    if !client.allows(&issuer) {
        return Err(DiscoveryError::IssuerNotAllowed);
    }
    Ok(Discovered {
        client: client.clone(),
        resource: client.endpoint().clone(),
        server: client.server(&issuer).await?,
        scopes: Scopes::initial(challenge.scopes(), None),
        choice: IssuerChoice::Legacy,
    })
}

impl Client {
    /// What an issuer says about itself, from now or a moment ago.
    pub(super) async fn server(
        &self,
        issuer: &Issuer,
    ) -> Result<Arc<ServerMetadata>, DiscoveryError> {
        let now = self.clock().monotonic();
        if let Some(known) = self.servers().get(issuer, now) {
            return Ok(known);
        }
        let found = match server::find(self, issuer).await {
            Err(DiscoveryError::NoServerMetadata) if self.is_legacy(issuer) => {
                server::guessed(self, issuer)
            }
            found => found,
        };
        let found = Arc::new(found?);
        self.servers().keep(&found, now);
        Ok(found)
    }

    /// Where an issuer gives out tokens.
    pub(super) async fn token_server(
        &self,
        issuer: &Issuer,
    ) -> Result<TokenServer, DiscoveryError> {
        Ok(self.server(issuer).await?.tokens.clone())
    }

    fn is_legacy(&self, issuer: &Issuer) -> bool {
        self.settings().legacy && issuer.as_str() == self.endpoint().origin().as_str()
    }
}

/// The object there; nothing if the place has none.
async fn document(client: &Client, place: &Place) -> Result<Option<Members>, DiscoveryError> {
    let answer = client.web().get(place).await?;
    match answer.status {
        StatusCode::OK => {
            let members = Members::parse(&answer.text);
            members.map(Some).ok_or(DiscoveryError::MalformedMetadata)
        }
        // These say nothing about the document.
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(FetchError::Status.into())
        }
        status if status.is_client_error() => Ok(None),
        _ => Err(FetchError::Status.into()),
    }
}
