//! Dynamic Client Registration (RFC 7591).

use chrono::DateTime;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::discovery::{Discovered, ServerMetadata};
use super::super::document::Members;
use super::super::redirect_uri::RedirectUri;
use super::super::server_error::ServerError;
use super::super::tokens::SecretText;
use super::{Registration, RegistrationError, RegistrationMethod};
use crate::credentials::ClientAuthentication;
use crate::fetch::{FetchError, Place};

/// What an authorization server gives (RFC 7591 section 3.2.1).
#[derive(Deserialize)]
struct Given {
    client_id: String,
    client_secret: Option<SecretText>,
    client_secret_expires_at: Option<Value>,
    token_endpoint_auth_method: Option<String>,
    redirect_uris: Option<Box<[Box<str>]>>,
}

/// What an application is that comes back to this URI (`OpenID` Connect Registration section 2).
const fn application_type(is_native: bool) -> &'static str {
    if is_native { "native" } else { "web" }
}

/// Registers. A server that does not like the type for the redirect URI is asked once more, with the
/// other one.
pub(super) async fn register(
    discovered: &Discovered,
    endpoint: &Place,
    redirect_uri: &RedirectUri,
) -> Result<Registration, RegistrationError> {
    let is_native = redirect_uri.is_loopback();
    let first = attempt(discovered, endpoint, redirect_uri, is_native).await;
    match first {
        Err(RegistrationError::Rejected(error)) if is_about_redirects(error) => {
            attempt(discovered, endpoint, redirect_uri, !is_native).await
        }
        other => other,
    }
}

fn is_about_redirects(error: ServerError) -> bool {
    let about = ["invalid_redirect_uri", "invalid_client_metadata"];
    about.contains(&error.as_str())
}

async fn attempt(
    discovered: &Discovered,
    endpoint: &Place,
    redirect_uri: &RedirectUri,
    is_native: bool,
) -> Result<Registration, RegistrationError> {
    let settings = discovered.client.settings();
    let mut grants = vec!["authorization_code"];
    if settings.wants_refresh {
        grants.push("refresh_token");
    }
    let body = json!({
        "client_name": &*settings.name,
        "redirect_uris": [redirect_uri.as_str()],
        "grant_types": grants,
        "response_types": ["code"],
        "token_endpoint_auth_method": wanted_method(&discovered.server),
        "application_type": application_type(is_native),
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let web = discovered.client.web();
    let answer = web.post(endpoint, headers, body.to_string()).await?;
    let text = Zeroizing::new(answer.text);
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let given = serde_json::from_slice(&text).ok();
            let given = given.and_then(|given| registration(discovered, redirect_uri, given));
            given.ok_or(RegistrationError::Malformed)
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(FetchError::Status.into())
        }
        status if status.is_client_error() => {
            let members = Members::parse(&text).unwrap_or_default();
            let word = members.text("error").unwrap_or_default();
            Err(RegistrationError::Rejected(ServerError::read(word)))
        }
        _ => Err(FetchError::Status.into()),
    }
}

/// The first of these that the server supports; what a server supports that says nothing is Basic
/// (RFC 8414 section 2).
fn wanted_method(server: &ServerMetadata) -> &'static str {
    let methods = server.tokens.methods.as_deref();
    let supports =
        |wanted: &&str| methods.is_some_and(|all| all.iter().any(|own| &**own == *wanted));
    let wanted = ["none", "client_secret_basic", "client_secret_post"];
    let found = wanted.into_iter().find(supports);
    found.unwrap_or("client_secret_basic")
}

/// What the server has given governs, and not what was asked for.
fn registration(
    discovered: &Discovered,
    redirect_uri: &RedirectUri,
    given: Given,
) -> Option<Registration> {
    let id = &*given.client_id;
    let supports = |wanted: &str| {
        let methods = discovered.server.tokens.methods.as_deref();
        methods.is_none_or(|all| all.iter().any(|own| &**own == wanted))
    };
    let secret = given.client_secret.map(SecretText::into_secret);
    let authentication = match (given.token_endpoint_auth_method.as_deref(), secret) {
        (Some("client_secret_post"), Some(secret)) => {
            ClientAuthentication::client_secret_post(id, secret)
        }
        (Some("client_secret_basic"), Some(secret)) => {
            ClientAuthentication::client_secret_basic(id, secret)
        }
        (None, Some(secret)) if supports("client_secret_basic") => {
            ClientAuthentication::client_secret_basic(id, secret)
        }
        (None, Some(secret)) if supports("client_secret_post") => {
            ClientAuthentication::client_secret_post(id, secret)
        }
        // A secret is not shown where none is wanted.
        (Some("none") | None, _) => ClientAuthentication::none(id),
        (Some(_), _) => return None,
    };
    let end = match given.client_secret_expires_at {
        None | Some(Value::Null) => 0,
        Some(end) => end.as_i64()?,
    };
    let asked_for = || Box::from([Box::from(redirect_uri.as_str())]);
    authentication.is_usable().then(|| Registration {
        issuer: discovered.issuer().clone(),
        by: RegistrationMethod::Dynamic,
        authentication,
        redirect_uris: Some(given.redirect_uris.unwrap_or_else(asked_for)),
        secret_expires_at: DateTime::from_timestamp(end, 0).filter(|_| end != 0),
    })
}
