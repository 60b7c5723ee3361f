//! The authorization request (OAuth 2.1 section 4.1.1) and what the browser is answered.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use url::form_urlencoded;

use super::client::Client;
use super::error::{Code, OAuthError};
use super::fault::ServerFault;
use super::parameters::Parameters;
use super::scope_list::ScopeList;
use super::site::{Consent, Site, later};
use super::store::{AuthorizationCode, Grant};
use super::user::User;
use super::{answer, consent, page, random};
use crate::id::Resource;
use crate::testing::mint::Mint as _;

/// How long a code is good for.
const CODE_LIFETIME: chrono::TimeDelta = chrono::TimeDelta::seconds(60);
/// The length of a SHA-256 in base64url.
const CHALLENGE_LENGTH: usize = 43;

/// A request that may be put before a user: all of it was checked.
#[derive(Clone, Debug)]
pub(super) struct AuthorizationRequest {
    pub(super) client: Arc<Client>,
    pub(super) back: Back,
    pub(super) challenge: String,
    pub(super) resources: Vec<Resource>,
    pub(super) scopes: ScopeList,
}

/// Where the browser goes from here: a redirect URI that the client has registered.
#[derive(Clone, Debug)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    state: Option<String>,
}

/// Why a request goes no further.
enum Refused {
    /// It cannot be trusted to say where the browser should go: the user is told, and stays.
    Here(&'static str),
    /// The client is told.
    Back(Back, OAuthError),
    /// The client is told if the user wants that: anybody may make a client known that leads anywhere
    /// (RFC 9700 section 4.11.2).
    Asks(Back, OAuthError),
}

/// Answers an authorization request.
pub(super) fn begin(site: &Site, headers: &HeaderMap, parameters: &Parameters) -> Response {
    let request = match read(site, parameters) {
        Ok(request) => request,
        Err(Refused::Here(reason)) => return page::failure(StatusCode::BAD_REQUEST, reason),
        Err(Refused::Back(back, error)) => return back.with_error(site, error),
        Err(Refused::Asks(back, error)) => {
            let code = ("error", error.code.as_str());
            let location = back.location(site, &[code, ("error_description", error.description)]);
            return page::stopped(&back.redirect_uri, &location, error.description);
        }
    };
    let consent = site.state().consent;
    match consent {
        Consent::Ask => consent::ask(site, headers, request),
        Consent::Approve(user) => request.approve(site, user),
        Consent::Deny => request.deny(site),
    }
}

fn read(site: &Site, parameters: &Parameters) -> Result<AuthorizationRequest, Refused> {
    // RFC 6749 section 4.1.2.1: nothing is redirected before client and redirect URI are known.
    let (client, redirect_uri) = parameters
        .get("client_id")
        .and_then(|id| site.client(id))
        .ok_or(
            "The application that sent you here is not known to this server. If the server was \
             started anew, let the application forget it, and connect again.",
        )
        .and_then(|client| {
            let uri = parameters
                .get("redirect_uri")
                .ok_or("The application names no place where you would be sent, or two.")?;
            let uri = Some(uri).filter(|uri| client.allows_redirect(uri)).ok_or(
                "The application wants you to be sent to a place that it has not registered.",
            )?;
            Ok((client, uri.to_owned()))
        })
        .map_err(Refused::Here)?;
    let back = Back {
        redirect_uri,
        state: parameters.get("state").map(str::to_owned),
    };
    match checked(site, parameters) {
        Ok((challenge, resources, scopes)) => Ok(AuthorizationRequest {
            client,
            back,
            challenge,
            resources,
            scopes,
        }),
        Err(error) if client.is_stranger && back.redirect_uri.starts_with("https:") => {
            Err(Refused::Asks(back, error))
        }
        Err(error) => Err(Refused::Back(back, error)),
    }
}

fn checked(
    site: &Site,
    parameters: &Parameters,
) -> Result<(String, Vec<Resource>, ScopeList), OAuthError> {
    if parameters.repeat() {
        return Err(OAuthError::request("a parameter stands twice"));
    }
    if parameters.get("request").is_some() || parameters.get("request_uri").is_some() {
        let reason = "request objects (RFC 9101) are not supported";
        return Err(OAuthError::request(reason));
    }
    if parameters
        .get("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        return Err(OAuthError::request("the only response mode is `query`"));
    }
    match parameters.get("response_type") {
        None => {
            return Err(OAuthError::request(
                "the parameter `response_type` is required",
            ));
        }
        Some("code") => {}
        Some(_) => {
            let reason = "the only response type is `code`";
            return Err(OAuthError::new(Code::UnsupportedResponseType, reason));
        }
    }
    let challenge = challenge(parameters)?;
    Ok((
        challenge,
        site.resources(parameters)?,
        site.scopes(parameters.get("scope"))?,
    ))
}

/// The S256 challenge. `plain`, which is also what a request without a method means, protects
/// nothing once the request is seen (RFC 7636 section 7.2, OAuth 2.1 section 7.5.1).
fn challenge(parameters: &Parameters) -> Result<String, OAuthError> {
    if parameters.get("code_challenge_method") != Some("S256") {
        let reason = "the parameter `code_challenge_method` is required, and is `S256`";
        return Err(OAuthError::request(reason));
    }
    let is_digest = |text: &&str| {
        let mut bytes = text.bytes();
        text.len() == CHALLENGE_LENGTH
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let challenge = parameters.get("code_challenge").filter(is_digest);
    let missing = OAuthError::request("the parameter `code_challenge` is required, for S256");
    challenge.map(str::to_owned).ok_or(missing)
}

impl AuthorizationRequest {
    /// Sends the browser back with a code.
    pub(super) fn approve(self, site: &Site, user: User) -> Response {
        let text = match random::text() {
            Ok(text) => text,
            Err(error) => return self.back.with_error(site, error),
        };
        let code = AuthorizationCode {
            grant: Grant {
                client: self.client.id.clone(),
                subject: user.as_str().to_owned(),
                resources: self.resources,
                scopes: self.scopes,
            },
            redirect_uri: self.back.redirect_uri.clone(),
            challenge: self.challenge,
            expires_at: later(site.now(), CODE_LIFETIME),
        };
        site.state().store.add_code(&text, code);
        self.back.with(site, &[("code", &text)])
    }

    /// Sends the browser back with the user's refusal.
    pub(super) fn deny(self, site: &Site) -> Response {
        let error = OAuthError::new(Code::AccessDenied, "the user said no");
        self.back.with_error(site, error)
    }
}

impl Back {
    fn with_error(&self, site: &Site, error: OAuthError) -> Response {
        let code = ("error", error.code.as_str());
        self.with(site, &[code, ("error_description", error.description)])
    }

    /// Sends the browser to the client with these parameters, and with `state` and `iss`.
    fn with(&self, site: &Site, parameters: &[(&str, &str)]) -> Response {
        answer::see_other(&self.location(site, parameters))
    }

    /// Where that is.
    fn location(&self, site: &Site, parameters: &[(&str, &str)]) -> String {
        let faults = site.state().faults.clone();
        let mut state = self.state.as_deref();
        let mut issuer = Some(site.issuer.as_str());
        for fault in &faults {
            match fault {
                ServerFault::NoIss => issuer = None,
                ServerFault::OtherIss(other) => issuer = Some(other),
                ServerFault::OtherState(other) => state = Some(other),
                ServerFault::NoPkce
                | ServerFault::RefuseRegistration
                | ServerFault::RefuseRefresh => {}
            }
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        query.extend_pairs(state.map(|state| ("state", state)));
        // RFC 9207 section 2: in errors, too.
        query.extend_pairs(issuer.map(|issuer| ("iss", issuer)));
        let query = query.finish();
        let uri = &self.redirect_uri;
        // RFC 6749 section 3.1.2: a query that is there is kept.
        let joint = if uri.contains('?') { '&' } else { '?' };
        format!("{uri}{joint}{query}")
    }
}
