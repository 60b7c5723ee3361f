//! What a token is worth (RFC 7662).

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::client::Client;
use super::error::{Code, OAuthError};
use super::parameters::Parameters;
use super::site::Site;
use super::{answer, token};
use crate::testing::mint::Mint as _;

/// Answers an introspection request. Public clients are told nothing, for anybody can be one of them;
/// nor are strangers, who can register themselves.
pub(super) fn introspect(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    if client.own_scopes.is_none() {
        let reason = "only confidential clients that were registered by hand introspect tokens";
        return Err(OAuthError::new(Code::UnauthorizedClient, reason));
    }
    let shown = parameters.get("token");
    let shown = shown.ok_or(OAuthError::request("the parameter `token` is required"))?;
    let members = active(site, shown).unwrap_or_else(|| json!({ "active": false }));
    Ok(answer::secret_json(StatusCode::OK, &members))
}

/// What there is to say about an access token.
///
/// A refresh token is for this server and for the client that has it (RFC 6749 section 1.5). Clients
/// that introspect have none, so to them each is inactive (RFC 7662 section 2.2): what a resource
/// server takes for an access token because it is active would open a door.
fn active(site: &Site, shown: &str) -> Option<Value> {
    let now = site.now();
    let state = site.state();
    let token = state.store.access_token(shown)?;
    if now >= token.terms.expires_at {
        return None;
    }
    let mut members = json!({
        "active": true,
        "iss": site.issuer.as_str(),
        "sub": token.terms.subject,
        "aud": token.terms.resource.as_str(),
        "client_id": token.terms.client,
        "jti": token.id.as_str(),
        "iat": token.issued_at.timestamp(),
        "exp": token.terms.expires_at.timestamp(),
        "token_type": "Bearer",
    });
    if let Some(object) = members.as_object_mut() {
        let scopes = &token.terms.scopes;
        if !scopes.is_empty() {
            object.insert("scope".to_owned(), scopes.to_string().into());
        }
        object.extend(token::act(&token.terms).map(|act| ("act".to_owned(), act)));
    }
    Some(members)
}
