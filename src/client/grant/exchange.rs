//! Token exchange (RFC 8693).

use super::super::discovery::TokenServer;
use super::super::scopes::Scopes;
use super::super::shared::Client;
use super::super::tokens::{TokenAnswer, TokenError, TokenRequest};
use crate::credentials::ClientAuthentication;
use crate::id::Resource;
use crate::secret::ClientSecret;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A token for another one (RFC 8693 section 2.1).
pub(crate) struct TokenExchange<'a> {
    pub(crate) subject_token: &'a ClientSecret,
    pub(crate) subject_token_type: &'a str,
    pub(crate) requested_token_type: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) resource: &'a Resource,
    pub(crate) scopes: &'a Scopes,
}

impl TokenExchange<'_> {
    /// Asks for it, in the name of `who`.
    pub(in super::super) async fn ask(
        &self,
        client: &Client,
        server: &TokenServer,
        who: &ClientAuthentication,
    ) -> Result<TokenAnswer, TokenError> {
        let request = TokenRequest {
            client,
            server,
            who: Some(who),
        };
        let parameters = [
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", self.requested_token_type),
            ("audience", self.audience),
            ("resource", self.resource.as_str()),
            ("scope", &self.scopes.to_string()),
            ("subject_token", self.subject_token.expose()),
            ("subject_token_type", self.subject_token_type),
        ];
        request.ask(&parameters).await
    }
}
