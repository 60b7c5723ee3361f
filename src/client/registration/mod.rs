//! As whom a client is known to an authorization server (MCP authorization, Client Registration
//! Approaches).

mod dynamic;
mod error;
mod known;
mod metadata_document;
mod record;

pub use error::RegistrationError;
pub use metadata_document::{ClientMetadataDocument, MetadataDocumentError};
pub use record::{Registration, RegistrationMethod};

pub(super) use known::KnownRegistrations;

use std::fmt;

use super::discovery::Discovered;
use super::redirect_uri::RedirectUri;
use super::tokens::TokenError;
use crate::credentials::ClientAuthentication;

/// The client is known to the issuer, and may send a user there.
///
/// # Proves
/// The issuer supports the authorization code grant with PKCE (S256), the registration belongs to this
/// issuer, and the redirect URI to the registration, as far as it names any.
#[must_use = "nobody is asked before the request is made"]
pub struct Registered {
    pub(super) discovered: Discovered,
    pub(super) registration: Registration,
    pub(super) redirect_uri: RedirectUri,
}

impl Registered {
    /// As whom the client is known.
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// What was found out before.
    pub const fn discovered(&self) -> &Discovered {
        &self.discovered
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("discovered", &self.discovered)
            .field("registration", &self.registration)
            .field("redirect_uri", &self.redirect_uri)
            .finish()
    }
}

impl Discovered {
    /// Makes the client known to the issuer, for a flow that comes back to `redirect_uri`: as what it was
    /// registered by hand; by its metadata document, where the issuer takes one; as what it registered
    /// itself before; or by registering now.
    ///
    /// # Errors
    /// [`RegistrationError`]. An issuer that does not promise PKCE with S256 is told nothing.
    ///
    /// # Specification
    /// [OAuth Client ID Metadata Document](https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/),
    /// [RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)
    pub async fn register(
        self,
        redirect_uri: RedirectUri,
    ) -> Result<Registered, RegistrationError> {
        let server = &self.server;
        if server.authorization_endpoint.is_none() || !server.gives_codes {
            return Err(RegistrationError::NoAuthorizationEndpoint);
        }
        if !server.supports_s256 {
            return Err(RegistrationError::PkceUnsupported);
        }
        let registration = match self.known(&redirect_uri)? {
            Some(known) => known,
            None => self.new_registration(&redirect_uri).await?,
        };
        if !registration.allows(&redirect_uri) {
            return Err(RegistrationError::RedirectUriNotRegistered);
        }
        Ok(Registered {
            discovered: self,
            registration,
            redirect_uri,
        })
    }

    /// What needs no registration now.
    fn known(&self, uri: &RedirectUri) -> Result<Option<Registration>, RegistrationError> {
        let client = &self.client;
        let issuer = self.issuer();
        if let Some(authentication) = client.pre_registered(issuer) {
            return Ok(Some(self.by_hand(authentication.clone())));
        }
        if let Some(document) = &client.settings().document
            && self.server.takes_documents
        {
            return Ok(Some(Registration {
                issuer: issuer.clone(),
                by: RegistrationMethod::MetadataDocument,
                authentication: document.authentication().clone(),
                redirect_uris: Some(document.redirect_uris()),
                secret_expires_at: None,
            }));
        }
        if !client.settings().pre_registered.is_empty() {
            return Err(RegistrationError::CredentialIssuerMismatch);
        }
        let known = client.registration_with(issuer);
        let now = client.now();
        Ok(known.filter(|known| !known.has_expired(now) && known.allows(uri)))
    }

    async fn new_registration(
        &self,
        redirect_uri: &RedirectUri,
    ) -> Result<Registration, RegistrationError> {
        let endpoint = self.server.registration_endpoint.as_ref();
        let endpoint = endpoint.ok_or(RegistrationError::NotOffered)?;
        let registration = dynamic::register(self, endpoint, redirect_uri).await?;
        self.client.remember(registration.clone());
        Ok(registration)
    }

    /// As what a machine is known: by hand, or not at all.
    pub(super) fn machine(&self) -> Result<Option<Registration>, TokenError> {
        match self.client.pre_registered(self.issuer()) {
            Some(authentication) => Ok(Some(self.by_hand(authentication.clone()))),
            None if self.client.settings().pre_registered.is_empty() => Ok(None),
            None => Err(TokenError::CredentialIssuerMismatch),
        }
    }

    fn by_hand(&self, authentication: ClientAuthentication) -> Registration {
        Registration {
            issuer: self.issuer().clone(),
            by: RegistrationMethod::PreRegistered,
            authentication,
            redirect_uris: None,
            secret_expires_at: None,
        }
    }
}
