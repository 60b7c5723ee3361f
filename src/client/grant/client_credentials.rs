//! Client credentials (OAuth 2.1 section 4.2).

use super::super::discovery::Discovered;
use super::super::tokens::{Asked, TokenError, TokenRequest, TokenSet};

impl Discovered {
    /// Tokens for the client itself, as what it is registered by hand with this issuer.
    ///
    /// # Errors
    /// [`TokenError`]. A credential for another issuer is not shown to this one.
    ///
    /// # Specification
    /// [OAuth 2.1 section 4.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1#section-4.2)
    pub async fn client_credentials(self) -> Result<TokenSet, TokenError> {
        let registration = self.machine()?.ok_or(TokenError::NotRegistered)?;
        let request = TokenRequest {
            client: &self.client,
            server: &self.server.tokens,
            who: Some(&registration.authentication),
        };
        let parameters = [
            ("grant_type", "client_credentials"),
            ("scope", &self.scopes.to_string()),
            ("resource", self.resource.as_str()),
        ];
        let answer = request.ask(&parameters).await?;
        answer.into_tokens(Asked {
            endpoint: self.client.place().clone(),
            registration,
            resource: self.resource,
            scopes: self.scopes,
        })
    }
}
