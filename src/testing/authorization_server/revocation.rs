//! Tokens that their client no longer wants (RFC 7009).

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::answer;
use super::client::Client;
use super::error::OAuthError;
use super::parameters::Parameters;
use super::site::Site;
use super::store::Shown;

/// Answers a revocation request. A refresh token ends its whole grant, an access token itself.
pub(super) fn revoke(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let shown = parameters.get("token");
    let shown = shown.ok_or(OAuthError::request("the parameter `token` is required"))?;
    let foreign = OAuthError::grant("the token is another client's");
    let mut state = site.state();
    // The hint about its type is for servers that would have to search.
    if let Some(token) = state.store.access_token(shown) {
        if token.terms.client != client.id {
            return Err(foreign);
        }
        state.store.revoke_access_token(shown);
    } else if let Shown::First((id, _)) | Shown::Again(Some(id)) = state.store.refresh_token(shown)
    {
        if state
            .store
            .grant(id)
            .is_some_and(|grant| grant.client != client.id)
        {
            return Err(foreign);
        }
        state.store.revoke_grant(id);
    }
    // RFC 7009 section 2.2: what is not known is as good as revoked.
    let mut response = StatusCode::OK.into_response();
    answer::set(
        response.headers_mut(),
        &[(header::CACHE_CONTROL, "no-store")],
    );
    Ok(response)
}
