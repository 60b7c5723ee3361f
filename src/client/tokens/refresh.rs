//! Tokens for tokens: refresh with rotation, and revocation.

use super::super::discovery::DiscoveryError;
use super::super::shared::Client;
use super::request::TokenRequest;
use super::response::Asked;
use super::{TokenError, TokenSet};
use crate::secret::ClientSecret;

impl Client {
    /// New tokens for a refresh token, from the issuer of the old ones and from nobody else, for the same
    /// resource and with the scopes that were granted.
    ///
    /// If the answer has a refresh token, the new set has it and the old one is never to be sent again:
    /// keep the new set *before* the access token is used. If it has none, the new set has the old one.
    ///
    /// # Errors
    /// [`TokenError`]. After [`is_invalid_grant`](TokenError::is_invalid_grant) the refresh token is
    /// worth nothing; after an error that is temporary it may be.
    ///
    /// # Specification
    /// [OAuth 2.1 section 4.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1#section-4.3)
    pub async fn refresh(&self, tokens: &TokenSet) -> Result<TokenSet, TokenError> {
        if tokens.endpoint() != self.endpoint() {
            return Err(TokenError::ForeignEndpoint);
        }
        if !self.allows(tokens.issuer()) {
            return Err(DiscoveryError::IssuerNotAllowed.into());
        }
        let old = tokens.refresh.as_ref().ok_or(TokenError::NoRefreshToken)?;
        let server = self.server(tokens.issuer()).await?;
        let request = TokenRequest {
            client: self,
            server: &server.tokens,
            who: Some(&tokens.registration.authentication),
        };
        let parameters = [
            ("grant_type", "refresh_token"),
            ("refresh_token", old.expose()),
            ("resource", tokens.resource.as_str()),
        ];
        let answer = request.ask(&parameters).await;
        if answer.as_ref().is_err_and(TokenError::is_invalid_client) {
            self.forget(&tokens.registration);
        }
        let answer = answer?;
        let mut new = answer.into_tokens(Asked {
            registration: tokens.registration.clone(),
            endpoint: tokens.endpoint.clone(),
            resource: tokens.resource.clone(),
            scopes: tokens.granted.clone(),
        })?;
        new.requested = tokens.requested.clone();
        if new.refresh.is_none() {
            new.refresh = Some(ClientSecret::new(old.expose()));
        }
        Ok(new)
    }

    /// Tells the issuer that the tokens are not needed any more: the refresh token, from which all others
    /// come, or else the access token. Forget them whatever comes of it.
    ///
    /// # Errors
    /// [`TokenError`]
    ///
    /// # Specification
    /// [RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)
    pub async fn revoke(&self, tokens: &TokenSet) -> Result<(), TokenError> {
        if tokens.endpoint() != self.endpoint() {
            return Err(TokenError::ForeignEndpoint);
        }
        let server = self.server(tokens.issuer()).await?;
        let endpoint = server.revocation.as_ref();
        let request = TokenRequest {
            client: self,
            server: endpoint.ok_or(TokenError::NoRevocationEndpoint)?,
            who: Some(&tokens.registration.authentication),
        };
        let (token, hint) = match &tokens.refresh {
            Some(refresh) => (refresh, "refresh_token"),
            None => (&tokens.access, "access_token"),
        };
        let parameters = [("token", token.expose()), ("token_type_hint", hint)];
        request.send(&parameters).await.map(drop)
    }
}
