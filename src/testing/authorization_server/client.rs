//! Clients, and how they prove who they are.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use url::Url;

use super::assertion::{Assertion, JWT_BEARER};
use super::error::OAuthError;
use super::parameters::Parameters;
use super::random::Digest;
use super::redirect_uri::RedirectUri;
use super::scope_list::ScopeList;
use super::site::Site;
use crate::jwk::KeySet;

/// RFC 6749 section 2.3: not more than one method in each request.
const ONE_WAY: &str = "a client proves who it is in one way only";

/// An OAuth client, however it became known.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// As the client calls itself. Anybody may take any name.
    pub(super) name: String,
    pub(super) redirect_uris: Vec<RedirectUri>,
    pub(super) authentication: Authentication,
    pub(super) may_refresh: bool,
    /// Whether it made itself known, so that nobody answers for it.
    pub(super) is_stranger: bool,
    /// What it may be granted without a user. None: it never acts for itself, nor asks about
    /// tokens.
    pub(super) own_scopes: Option<ScopeList>,
}

/// How a client proves who it is at the token endpoint (RFC 7591 section 2).
#[derive(Debug)]
pub(super) enum Authentication {
    /// `client_secret_basic`
    Basic(Digest),
    /// Either way to send a secret, for clients that were registered by hand.
    BasicOrPost(Digest),
    /// `private_key_jwt`, with one of these keys.
    Keys(KeySet),
    /// `none`: a public client.
    Nothing,
    /// `client_secret_post`
    Post(Digest),
}

/// What a request brought.
enum Credentials {
    Assertion(Box<Assertion>),
    Basic(String, String),
    Nothing(String),
    Post(String, String),
}

impl Client {
    pub(super) fn allows_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| known.allows(uri))
    }

    /// The host of the document that describes the client, if its name is the URL of one.
    pub(super) fn document_host(&self) -> Option<String> {
        let url = Url::parse(&self.id).ok()?;
        url.host_str().map(str::to_owned)
    }

    fn is_proven_by(&self, credentials: &Credentials, site: &Site) -> bool {
        match (&self.authentication, credentials) {
            (Authentication::Keys(keys), Credentials::Assertion(assertion)) => {
                assertion.is_signed_by(keys) && assertion.is_good_for(site)
            }
            (Authentication::Nothing, Credentials::Nothing(_)) => true,
            (Authentication::Basic(digest), Credentials::Basic(_, secret))
            | (Authentication::Post(digest), Credentials::Post(_, secret))
            | (
                Authentication::BasicOrPost(digest),
                Credentials::Basic(_, secret) | Credentials::Post(_, secret),
            ) => digest.is_of(secret),
            (
                Authentication::Nothing
                | Authentication::Basic(_)
                | Authentication::Post(_)
                | Authentication::BasicOrPost(_)
                | Authentication::Keys(_),
                Credentials::Assertion(_)
                | Credentials::Basic(..)
                | Credentials::Nothing(_)
                | Credentials::Post(..),
            ) => false,
        }
    }
}

impl Credentials {
    /// The client that they are said to be of.
    fn client(&self) -> &str {
        match self {
            Self::Assertion(assertion) => assertion.client(),
            Self::Basic(id, _) | Self::Nothing(id) | Self::Post(id, _) => id,
        }
    }
}

/// The client that a request comes from (RFC 6749 sections 2.3 and 3.2.1).
///
/// # Errors
/// If it is not known, or does not prove who it is in the one way that it was registered for.
pub(super) fn authenticate(
    site: &Site,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Arc<Client>, OAuthError> {
    let credentials = credentials(headers, parameters)?;
    site.client(credentials.client())
        .filter(|client| client.is_proven_by(&credentials, site))
        .ok_or(OAuthError::client())
}

fn credentials(headers: &HeaderMap, parameters: &Parameters) -> Result<Credentials, OAuthError> {
    let is_given = |name| parameters.get(name).is_some();
    if ["client_assertion", "client_assertion_type"]
        .into_iter()
        .any(is_given)
    {
        return asserted(headers, parameters);
    }
    let id = parameters.get("client_id");
    let secret = parameters.get("client_secret");
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        let id = id.ok_or(OAuthError::client())?.to_owned();
        return Ok(match secret {
            Some(secret) => Credentials::Post(id, secret.to_owned()),
            None => Credentials::Nothing(id),
        });
    };
    if fields.next().is_some() || secret.is_some() {
        return Err(OAuthError::request(ONE_WAY));
    }
    let (basic_id, secret) = field
        .to_str()
        .ok()
        .and_then(basic)
        .ok_or(OAuthError::client())?;
    if id.is_some_and(|id| id != basic_id) {
        let reason = "the client in the header and the client in the body differ";
        return Err(OAuthError::request(reason));
    }
    Ok(Credentials::Basic(basic_id, secret))
}

/// RFC 7521 section 4.2. What is wrong with an assertion is not told.
fn asserted(headers: &HeaderMap, parameters: &Parameters) -> Result<Credentials, OAuthError> {
    let get = |name| parameters.get(name);
    if headers.contains_key(header::AUTHORIZATION) || get("client_secret").is_some() {
        return Err(OAuthError::request(ONE_WAY));
    }
    let (Some(kind), Some(text)) = (get("client_assertion_type"), get("client_assertion")) else {
        let reason = "an assertion and its type come together";
        return Err(OAuthError::request(reason));
    };
    let is_meant = |assertion: &Assertion| {
        kind == JWT_BEARER && get("client_id").is_none_or(|id| id == assertion.client())
    };
    Assertion::parse(text)
        .filter(is_meant)
        .map(|assertion| Credentials::Assertion(Box::new(assertion)))
        .ok_or(OAuthError::client())
}

/// RFC 6749 section 2.3.1: both parts are form-encoded, then joined by a colon.
fn basic(field: &str) -> Option<(String, String)> {
    let (scheme, encoded) = field.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(encoded.trim_matches(' ')).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}
