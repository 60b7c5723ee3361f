//! What a client publishes about itself (OAuth Client ID Metadata Document).

use serde_json::json;
use url::Url;

use super::super::document::Members;
use super::super::redirect_uri::RedirectUri;
use crate::credentials::{ClientAuthentication, ClientKey};
use crate::id::ClientId;

/// A document that a client publishes about itself, whose URL is its `client_id`.
///
/// # Examples
/// ```
/// use clearance::client::ClientMetadataDocument;
///
/// let document = ClientMetadataDocument::new(
///     "https://app.example.com/client.json",
///     "Editor",
///     ["http://127.0.0.1/callback".parse()?],
/// )?;
/// // What the application serves at that URL.
/// assert!(document.to_json().contains(r#""client_id":"https://app.example.com/client.json""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Specification
/// [draft-ietf-oauth-client-id-metadata-document sections 3 and 4](https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/)
#[derive(Clone, Debug)]
pub struct ClientMetadataDocument {
    name: Box<str>,
    redirect_uris: Vec<RedirectUri>,
    authentication: ClientAuthentication,
    jwks_uri: Option<Box<str>>,
    has_refresh: bool,
}

/// The document is not one that an authorization server would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataDocumentError {
    /// The URL is not `https`, or has no path, or has a fragment, user information or dot segments.
    #[error("the URL of a client's metadata document is https, has a path, and nothing to resolve")]
    Url,
    /// The `client_id` is not the URL.
    #[error("the client_id is not the URL of the document")]
    ClientId,
    /// There is no `client_name`.
    #[error("the document has no client_name")]
    Name,
    /// There are no `redirect_uris`, or one of them is not acceptable.
    #[error("the document has no acceptable redirect_uris")]
    RedirectUris,
    /// There is a secret, which everybody could read.
    #[error("the document has a secret")]
    Secret,
    /// The method is neither `none` nor `private_key_jwt`, or the keys for it are not there.
    #[error("the token_endpoint_auth_method is not none, nor private_key_jwt with keys")]
    Method,
    /// It is no JSON object.
    #[error("the document is not a JSON object")]
    Malformed,
}

impl ClientMetadataDocument {
    /// The document of a public client, to be published at `url`.
    ///
    /// # Errors
    /// [`MetadataDocumentError`]
    pub fn new(
        url: &str,
        name: &str,
        redirect_uris: impl IntoIterator<Item = RedirectUri>,
    ) -> Result<Self, MetadataDocumentError> {
        check_url(url)?;
        let redirect_uris: Vec<_> = redirect_uris.into_iter().collect();
        if name.trim().is_empty() {
            return Err(MetadataDocumentError::Name);
        }
        if redirect_uris.is_empty() {
            return Err(MetadataDocumentError::RedirectUris);
        }
        Ok(Self {
            name: name.into(),
            redirect_uris,
            authentication: ClientAuthentication::none(url),
            jwks_uri: None,
            has_refresh: true,
        })
    }

    /// The client proves who it is with `key`, whose public part it publishes in the key set at
    /// `jwks_uri`.
    ///
    /// # Errors
    /// [`MetadataDocumentError::Method`] if that is no `https` URL.
    pub fn with_key(
        mut self,
        key: ClientKey,
        jwks_uri: &str,
    ) -> Result<Self, MetadataDocumentError> {
        let is_https = Url::parse(jwks_uri).is_ok_and(|url| url.scheme() == "https");
        if !is_https {
            return Err(MetadataDocumentError::Method);
        }
        self.authentication = ClientAuthentication::private_key_jwt(self.url(), key);
        self.jwks_uri = Some(jwks_uri.into());
        Ok(self)
    }

    /// Says that the client wants no refresh tokens.
    #[must_use]
    pub const fn without_refresh(mut self) -> Self {
        self.has_refresh = false;
        self
    }

    /// The URL, which is the `client_id`.
    pub fn url(&self) -> &str {
        self.authentication.client().as_str()
    }

    /// The same as the id of a client.
    pub const fn client(&self) -> &ClientId {
        self.authentication.client()
    }

    /// The document, to be served as `application/json`.
    pub fn to_json(&self) -> String {
        let uris = self.redirect_uris.iter().map(RedirectUri::as_str);
        let mut grants = vec!["authorization_code"];
        if self.has_refresh {
            grants.push("refresh_token");
        }
        let is_native = self.redirect_uris.iter().all(RedirectUri::is_loopback);
        let mut document = json!({
            "client_id": self.url(),
            "client_name": &*self.name,
            "redirect_uris": uris.collect::<Vec<_>>(),
            "grant_types": grants,
            "response_types": ["code"],
            "token_endpoint_auth_method": self.authentication.method(),
            "application_type": if is_native { "native" } else { "web" },
        });
        if let (Some(uri), Some(members)) = (&self.jwks_uri, document.as_object_mut()) {
            members.insert("jwks_uri".to_owned(), (&**uri).into());
        }
        document.to_string()
    }

    /// Checks a document that stands at `url`, for instance the one that an application serves.
    ///
    /// # Errors
    /// [`MetadataDocumentError`]: what is wrong with it first.
    pub fn check(url: &str, json: &str) -> Result<(), MetadataDocumentError> {
        check_url(url)?;
        let members = Members::parse(json.as_bytes()).ok_or(MetadataDocumentError::Malformed)?;
        if members.text("client_id") != Some(url) {
            return Err(MetadataDocumentError::ClientId);
        }
        if members.text("client_name").is_none_or(str::is_empty) {
            return Err(MetadataDocumentError::Name);
        }
        let uris = members.texts("redirect_uris");
        let uris: Vec<_> = uris.into_iter().flatten().collect();
        let acceptable = |uri: &&str| uri.parse::<RedirectUri>().is_ok();
        if uris.is_empty() || !uris.iter().all(acceptable) {
            return Err(MetadataDocumentError::RedirectUris);
        }
        if members.has("client_secret") || members.has("client_secret_expires_at") {
            return Err(MetadataDocumentError::Secret);
        }
        let has_keys = members.has("jwks_uri") || members.has("jwks");
        match members.text("token_endpoint_auth_method") {
            Some("none") => Ok(()),
            Some("private_key_jwt") if has_keys => Ok(()),
            _ => Err(MetadataDocumentError::Method),
        }
    }

    pub(in super::super) const fn authentication(&self) -> &ClientAuthentication {
        &self.authentication
    }

    pub(super) fn redirect_uris(&self) -> Box<[Box<str>]> {
        let texts = self.redirect_uris.iter().map(RedirectUri::as_str);
        texts.map(Into::into).collect()
    }
}

/// Section 3 of the draft.
fn check_url(text: &str) -> Result<(), MetadataDocumentError> {
    // Whatever the parser would repair is found by comparing with what it has made of it.
    let url = Url::parse(text).ok().filter(|url| {
        url.scheme() == "https"
            && url.as_str() == text
            && url.path() != "/"
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.map(drop).ok_or(MetadataDocumentError::Url)
}
