//! Clients that make themselves known: by registration (RFC 7591), or by a document at the URL
//! that is their name (OAuth Client ID Metadata Document).

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use url::Url;

use super::answer;
use super::client::{Authentication, Client};
use super::error::{Code, OAuthError};
use super::random::{self, Digest};
use super::redirect_uri::RedirectUri;
use super::site::Site;
use crate::testing::mint::Mint as _;

/// More than any client has.
const MOST_REDIRECT_URIS: usize = 20;

const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";

/// Client metadata (RFC 7591 section 2), as far as it means anything here. Nothing that it points
/// to is ever fetched.
#[derive(Deserialize)]
struct Metadata {
    client_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    client_secret: bool,
    #[serde(default, deserialize_with = "present")]
    client_secret_expires_at: bool,
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<String>,
}

impl Metadata {
    fn read(text: &[u8]) -> Result<Self, OAuthError> {
        let error = invalid("not the metadata of a client as JSON");
        serde_json::from_slice(text).ok().ok_or(error)
    }

    fn redirect_uris(&self) -> Result<Vec<RedirectUri>, OAuthError> {
        let uris = self.redirect_uris.as_deref().unwrap_or_default();
        if uris.is_empty() || uris.len() > MOST_REDIRECT_URIS {
            let reason = "a client has at least one redirect URI, and not more than 20";
            return Err(OAuthError::new(Code::InvalidRedirectUri, reason));
        }
        uris.iter().map(|uri| RedirectUri::parse(uri)).collect()
    }

    /// Whether the client may use refresh tokens. Without a list it has the code grant alone.
    fn may_refresh(&self) -> Result<bool, OAuthError> {
        let Some(grants) = &self.grant_types else {
            return Ok(false);
        };
        if !grants.iter().any(|grant| grant == CODE) {
            return Err(invalid("only clients of the code grant register here"));
        }
        Ok(grants.iter().any(|grant| grant == REFRESH))
    }

    fn check_response_types(&self) -> Result<(), OAuthError> {
        match &self.response_types {
            Some(types) if !types.iter().any(|kind| kind == "code") => {
                Err(invalid("the only response type is `code`"))
            }
            _ => Ok(()),
        }
    }

    /// `OpenID` Connect Dynamic Client Registration 1.0 section 2. Clients of the web that are being
    /// written run on this machine, so their redirect URIs may, too.
    fn check_application_type(&self) -> Result<(), OAuthError> {
        match self.application_type.as_deref() {
            None | Some("native" | "web") => Ok(()),
            Some(_) => Err(invalid("an application is `native` or `web`")),
        }
    }
}

/// Whether a member is there, whatever its value: `null` is one.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|IgnoredAny| true)
}

fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new(Code::InvalidClientMetadata, description)
}

/// Registers a client (RFC 7591 section 3).
pub(super) fn register(site: &Site, body: &[u8]) -> Response {
    match registered(site, body) {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

fn registered(site: &Site, body: &[u8]) -> Result<Response, OAuthError> {
    let metadata = Metadata::read(body)?;
    let redirect_uris = metadata.redirect_uris()?;
    let may_refresh = metadata.may_refresh()?;
    metadata.check_response_types()?;
    metadata.check_application_type()?;
    let id = random::text()?;
    let secret = random::text()?;
    let digest = Digest::of(&secret);
    // RFC 7591 section 2: without a method, it is `client_secret_basic`.
    let method = metadata.token_endpoint_auth_method.as_deref();
    let method = method.unwrap_or("client_secret_basic");
    let authentication = match method {
        "none" => Authentication::Nothing,
        "client_secret_basic" => Authentication::Basic(digest),
        "client_secret_post" => Authentication::Post(digest),
        _ => {
            return Err(invalid(
                "this way of client authentication is not supported",
            ));
        }
    };
    let grants: &[&str] = if may_refresh {
        &[CODE, REFRESH]
    } else {
        &[CODE]
    };
    let mut answer = json!({
        "client_id": id,
        "client_id_issued_at": site.now().timestamp(),
        "redirect_uris": metadata.redirect_uris,
        "grant_types": grants,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    });
    if let Some(members) = answer.as_object_mut() {
        if !matches!(authentication, Authentication::Nothing) {
            members.insert("client_secret".to_owned(), secret.into());
            members.insert("client_secret_expires_at".to_owned(), 0.into());
        }
        if let Some(name) = &metadata.client_name {
            members.insert("client_name".to_owned(), name.as_str().into());
        }
        if let Some(kind) = &metadata.application_type {
            members.insert("application_type".to_owned(), kind.as_str().into());
        }
    }
    site.register(Client {
        id,
        name: metadata.client_name.unwrap_or_default(),
        redirect_uris,
        authentication,
        may_refresh,
        is_stranger: true,
        own_scopes: None,
    });
    Ok(answer::secret_json(StatusCode::CREATED, &answer))
}

/// The client that a metadata document describes, if the document may stand at `url`.
///
/// The document names its own URL, has no secret, and its client is a public one: the server knows
/// no keys of strangers.
pub(super) fn described(url: &str, document: &str) -> Option<Arc<Client>> {
    if !is_client_url(url) {
        return None;
    }
    let metadata = Metadata::read(document.as_bytes()).ok()?;
    metadata.check_response_types().ok()?;
    let is_own = metadata.client_id.as_deref() == Some(url);
    let method = metadata.token_endpoint_auth_method.as_deref();
    let has_secret = metadata.client_secret || metadata.client_secret_expires_at;
    if !is_own || has_secret || method.is_some_and(|method| method != "none") {
        return None;
    }
    metadata.check_application_type().ok()?;
    Some(Arc::new(Client {
        id: url.to_owned(),
        redirect_uris: metadata.redirect_uris().ok()?,
        may_refresh: metadata.may_refresh().ok()?,
        name: metadata.client_name.unwrap_or_default(),
        authentication: Authentication::Nothing,
        is_stranger: true,
        own_scopes: None,
    }))
}

/// Whether `text` is a URL that may name a client: `https` with a path, without fragment, user
/// information and dot segments.
fn is_client_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    // What the parser had to repair is not compared with anything.
    url.as_str() == text
        && url.scheme() == "https"
        && url.path() != "/"
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// The answer of a server that takes no new clients.
pub(super) fn refusal() -> OAuthError {
    invalid("this client is not welcome")
}
