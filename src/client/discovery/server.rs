//! The metadata of an authorization server (RFC 8414, `OpenID` Connect Discovery).

use super::super::document::Members;
use super::super::scopes::OFFLINE_ACCESS;
use super::super::shared::Client;
use super::{DiscoveryError, document};
use crate::fetch::Place;
use crate::id::Issuer;

/// What an issuer says about itself, as far as it is needed.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of the document"
)]
pub(in super::super) struct ServerMetadata {
    pub(in super::super) tokens: TokenServer,
    /// Only ever opened in a browser.
    pub(in super::super) authorization_endpoint: Option<Place>,
    pub(in super::super) registration_endpoint: Option<Place>,
    pub(in super::super) revocation: Option<TokenServer>,
    /// Whether redirects say who made them (RFC 9207).
    pub(in super::super) promises_iss: bool,
    pub(in super::super) supports_s256: bool,
    pub(in super::super) gives_codes: bool,
    pub(in super::super) takes_documents: bool,
    pub(in super::super) has_offline_access: bool,
}

/// An endpoint at which a client proves who it is.
#[derive(Clone, Debug)]
pub(in super::super) struct TokenServer {
    pub(in super::super) issuer: Issuer,
    pub(in super::super) endpoint: Place,
    /// How clients prove who they are, where the server says so.
    pub(in super::super) methods: Option<Box<[Box<str>]>>,
    pub(in super::super) algorithms: Option<Box<[Box<str>]>>,
}

/// The metadata at the first well-known place that has any.
pub(super) async fn find(
    client: &Client,
    issuer: &Issuer,
) -> Result<ServerMetadata, DiscoveryError> {
    for url in issuer.metadata_urls() {
        let place = client.place_of(issuer, &url)?;
        if let Some(members) = document(client, &place).await? {
            return read(client, issuer, &members);
        }
    }
    Err(DiscoveryError::NoServerMetadata)
}

fn read(
    client: &Client,
    issuer: &Issuer,
    members: &Members,
) -> Result<ServerMetadata, DiscoveryError> {
    // RFC 8414 section 3.3: identical, as text.
    if members.text("issuer") != Some(issuer.as_str()) {
        return Err(DiscoveryError::IssuerMismatch);
    }
    let place = |name: &str| match members.text(name) {
        Some(url) => Ok(Some(client.place_of(issuer, url)?)),
        None if members.has(name) => Err(DiscoveryError::MalformedMetadata),
        None => Ok(None),
    };
    let lists = |name: &str, wanted: &str| {
        let texts = members.texts(name);
        texts.is_some_and(|mut texts| texts.any(|text| text == wanted))
    };
    let endpoint = place("token_endpoint")?.ok_or(DiscoveryError::MalformedMetadata)?;
    let tokens = TokenServer {
        issuer: issuer.clone(),
        endpoint,
        methods: members.owned_texts("token_endpoint_auth_methods_supported"),
        algorithms: members.owned_texts("token_endpoint_auth_signing_alg_values_supported"),
    };
    let revocation = place("revocation_endpoint")?.map(|endpoint| TokenServer {
        issuer: issuer.clone(),
        endpoint,
        methods: members.owned_texts("revocation_endpoint_auth_methods_supported"),
        algorithms: members.owned_texts("revocation_endpoint_auth_signing_alg_values_supported"),
    });
    let has_types = members.has("response_types_supported");
    Ok(ServerMetadata {
        authorization_endpoint: place("authorization_endpoint")?,
        registration_endpoint: place("registration_endpoint")?,
        revocation,
        promises_iss: members.is_true("authorization_response_iss_parameter_supported"),
        supports_s256: lists("code_challenge_methods_supported", "S256"),
        gives_codes: !has_types || lists("response_types_supported", "code"),
        takes_documents: members.is_true("client_id_metadata_document_supported"),
        has_offline_access: lists("scopes_supported", OFFLINE_ACCESS),
        tokens,
    })
}

/// MCP 2025-03-26: where endpoints are that nobody names. Whether PKCE is heeded there is not known.
pub(super) fn guessed(client: &Client, issuer: &Issuer) -> Result<ServerMetadata, DiscoveryError> {
    let place = |path: &str| client.place_of(issuer, &format!("{issuer}{path}"));
    Ok(ServerMetadata {
        tokens: TokenServer {
            issuer: issuer.clone(),
            endpoint: place("/token")?,
            methods: None,
            algorithms: None,
        },
        authorization_endpoint: Some(place("/authorize")?),
        registration_endpoint: Some(place("/register")?),
        revocation: None,
        promises_iss: false,
        supports_s256: true,
        gives_codes: true,
        takes_documents: false,
        has_offline_access: false,
    })
}
