//! One access token for another (RFC 8693): what a server does that calls the next server for its
//! caller, so that no token is passed on to whom it is not for.

use axum::response::Response;
use http::StatusCode;

use super::answer;
use super::client::Client;
use super::error::{Code, OAuthError};
use super::parameters::Parameters;
use super::site::{Site, later};
use super::store::Terms;
use super::token::{issue, narrowed};
use crate::testing::mint::Mint as _;

/// The name of the only kind of token that goes in and comes out (RFC 8693 section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// More than any chain of servers has.
const MOST_ACTORS: usize = 8;

/// Answers a token exchange request.
///
/// The new token speaks for the same subject, names the client that asked as its actor before those
/// that acted earlier, and neither grants more nor lives longer than the one that was shown.
/// Every confidential client that was registered by hand may exchange every token, for every resource
/// that the server knows, that of the shown one included: who may do so elsewhere is a matter of
/// policy, of which this server has none.
pub(super) fn exchange(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    if client.own_scopes.is_none() {
        let reason = "only confidential clients that were registered by hand exchange tokens";
        return Err(OAuthError::new(Code::UnauthorizedClient, reason));
    }
    let is_access_token = |name| parameters.get(name).is_none_or(|kind| kind == ACCESS_TOKEN);
    if parameters.get("subject_token_type").is_none()
        || !is_access_token("subject_token_type")
        || !is_access_token("requested_token_type")
    {
        return Err(OAuthError::request("only access tokens are exchanged"));
    }
    let is_given = |name| parameters.get(name).is_some();
    if ["actor_token", "actor_token_type", "audience"]
        .into_iter()
        .any(is_given)
    {
        let reason = "the actor is the client, and the target is named by `resource`";
        return Err(OAuthError::request(reason));
    }
    let shown = parameters.get("subject_token");
    let shown = shown.ok_or(OAuthError::request(
        "the parameter `subject_token` is required",
    ))?;
    let resource = site.one_resource(parameters)?;
    let now = site.now();
    let mut state = site.state();
    // RFC 8693 section 2.2.2: a token that is no good is an invalid request.
    let subject = state
        .store
        .access_token(shown)
        .filter(|token| now < token.terms.expires_at)
        .cloned()
        .ok_or(OAuthError::request("the subject token is not in force"))?;
    let scopes = narrowed(parameters, &subject.terms.scopes)?;
    let mut actors = subject.terms.actors;
    if actors.len() >= MOST_ACTORS {
        return Err(OAuthError::request("too many clients act for the subject"));
    }
    actors.push(client.id.clone());
    let lifetime = site.settings.access_token_lifetime;
    let terms = Terms {
        client: client.id.clone(),
        subject: subject.terms.subject,
        resource,
        scopes,
        actors,
        expires_at: later(now, lifetime).min(subject.terms.expires_at),
    };
    // Of the same grant: when that ends, this token ends with it.
    let issued = issue(site, &mut state, subject.grant, terms)?;
    let mut answer = issued.members(now);
    if let Some(members) = answer.as_object_mut() {
        members.insert("issued_token_type".to_owned(), ACCESS_TOKEN.into());
    }
    Ok(answer::secret_json(StatusCode::OK, &answer))
}
