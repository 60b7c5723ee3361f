//! The metadata of the resource (RFC 9728).

use super::super::challenge::Challenge;
use super::super::document::Members;
use super::super::scopes::Scopes;
use super::super::shared::Client;
use super::{DiscoveryError, document};
use crate::fetch::{Place, WebClient};
use crate::id::{Issuer, Resource};

/// The most issuers that are looked at.
const MOST_ISSUERS: usize = 32;

/// What a resource says about itself.
pub(super) struct ResourceMetadata {
    pub(super) resource: Resource,
    /// At least one.
    pub(super) issuers: Vec<Issuer>,
    /// Nothing if it names none.
    pub(super) scopes_supported: Option<Scopes>,
}

/// The metadata that the challenge names, or else the first that stands at a well-known place.
pub(super) async fn find(
    client: &Client,
    challenge: &Challenge,
) -> Result<ResourceMetadata, DiscoveryError> {
    if let Some(url) = challenge.resource_metadata() {
        let place = named(client, url)?;
        let members = document(client, &place).await?;
        let members = members.ok_or(DiscoveryError::MetadataUnavailable)?;
        return read(client, &members, &[client.endpoint().clone()]);
    }
    for (url, about) in candidates(client.endpoint()) {
        let place = WebClient::trusted(&url)?;
        if let Some(members) = document(client, &place).await? {
            return read(client, &members, &about);
        }
    }
    Err(DiscoveryError::NoMetadata)
}

/// The place that a challenge names. Whoever answers for the endpoint writes it, so it is on the
/// endpoint's origin unless the application wants it otherwise.
fn named(client: &Client, url: &str) -> Result<Place, DiscoveryError> {
    if client.place().shares_origin_with(url) {
        return Ok(WebClient::trusted(url)?);
    }
    if !client.settings().metadata_elsewhere {
        return Err(DiscoveryError::UntrustedUrl);
    }
    Ok(client.web().foreign(url)?)
}

/// The well-known places, and what the documents there may be about (RFC 9728 section 3.1): the endpoint,
/// then its origin. Where both have one place, it is asked once.
fn candidates(endpoint: &Resource) -> Vec<(String, Vec<Resource>)> {
    let origin = endpoint.origin();
    let (own, root) = (endpoint.metadata_url(), origin.metadata_url());
    if own == root {
        return vec![(own, vec![endpoint.clone(), origin])];
    }
    vec![(own, vec![endpoint.clone()]), (root, vec![origin])]
}

/// Reads a document that has to be about one of these.
fn read(
    client: &Client,
    members: &Members,
    about: &[Resource],
) -> Result<ResourceMetadata, DiscoveryError> {
    let said = members.text("resource").unwrap_or_default();
    // RFC 9728 section 3.3: identical, as text.
    let identical = about.iter().find(|own| own.as_str() == said);
    let parent = || {
        let accepted = client.settings().parent_resource && is_parent(said, client.endpoint());
        accepted.then(|| said.parse().ok())?
    };
    let resource = identical.cloned().or_else(parent);
    let resource = resource.ok_or(DiscoveryError::ResourceMismatch)?;
    let methods = members.owned_texts("bearer_methods_supported");
    let has_header = methods.is_none_or(|all| all.iter().any(|method| &**method == "header"));
    if !has_header || members.is_true("dpop_bound_access_tokens_required") {
        return Err(DiscoveryError::Unsupported);
    }
    let issuers = members.texts("authorization_servers");
    let issuers = issuers.into_iter().flatten().take(MOST_ISSUERS);
    let issuers: Vec<Issuer> = issuers.filter_map(|text| usable(client, text)).collect();
    if issuers.is_empty() {
        return Err(DiscoveryError::NoAuthorizationServer);
    }
    let scopes = members.texts("scopes_supported").map(Scopes::read);
    Ok(ResourceMetadata {
        resource,
        issuers,
        scopes_supported: scopes.filter(|scopes| !scopes.is_empty()),
    })
}

/// An issuer identifier that may be asked: `http` is for issuers on this machine, and these are for
/// endpoints on it, or for applications that name them.
fn usable(client: &Client, text: &str) -> Option<Issuer> {
    let issuer: Issuer = text.parse().ok()?;
    client.place_of(&issuer, text).is_ok().then_some(issuer)
}

/// Whether `said` is on the endpoint's origin, and its path is that of the endpoint up to a slash.
fn is_parent(said: &str, endpoint: &Resource) -> bool {
    let origin = endpoint.origin();
    let rest = endpoint.as_str().strip_prefix(said);
    let is_on_origin = said.strip_prefix(origin.as_str());
    let is_on_origin = is_on_origin.is_some_and(|path| path.is_empty() || path.starts_with('/'));
    is_on_origin && rest.is_some_and(|rest| said.ends_with('/') || rest.starts_with(['/', '?']))
}
