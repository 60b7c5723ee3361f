//! Enterprise-managed authorization: the company's identity provider decides.

use super::super::discovery::{Discovered, TokenServer};
use super::super::tokens::{TokenError, TokenSet};
use super::exchange::TokenExchange;
use crate::credentials::ClientAuthentication;
use crate::fetch::WebClient;
use crate::id::Issuer;
use crate::secret::ClientSecret;

const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The identity provider of a company, and as what the client is registered there.
///
/// # Examples
/// ```
/// use clearance::client::IdentityProvider;
/// use clearance::credentials::ClientAuthentication;
///
/// let provider = IdentityProvider::new(
///     "https://idp.example.com".parse()?,
///     "https://idp.example.com/token",
///     ClientAuthentication::none("editor"),
/// );
/// # let _ = provider;
/// # Ok::<(), clearance::id::IdentifierError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    issuer: Issuer,
    token_endpoint: Box<str>,
    client: ClientAuthentication,
}

impl IdentityProvider {
    /// The provider with this token endpoint. The application names it, so it is asked wherever it is.
    pub fn new(issuer: Issuer, token_endpoint: &str, client: ClientAuthentication) -> Self {
        Self {
            issuer,
            token_endpoint: token_endpoint.into(),
            client,
        }
    }
}

impl Discovered {
    /// Tokens for a user whom the company's identity provider knows: the ID token of a login there is
    /// exchanged for an assertion that is for this issuer alone, and the assertion for tokens. No browser
    /// is needed, and neither goes to the MCP server.
    ///
    /// # Errors
    /// [`TokenError`], of the provider or of the issuer. Nothing else is tried then.
    ///
    /// # Specification
    /// [Enterprise-Managed Authorization](https://github.com/modelcontextprotocol/ext-auth),
    /// [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693),
    /// [RFC 7523 section 2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)
    pub async fn enterprise(
        self,
        provider: &IdentityProvider,
        id_token: &ClientSecret,
    ) -> Result<TokenSet, TokenError> {
        // Known before anybody is asked.
        self.machine()?.ok_or(TokenError::NotRegistered)?;
        let server = TokenServer {
            issuer: provider.issuer.clone(),
            endpoint: WebClient::trusted(&provider.token_endpoint)?,
            methods: None,
            algorithms: None,
        };
        let exchange = TokenExchange {
            subject_token: id_token,
            subject_token_type: ID_TOKEN,
            requested_token_type: ID_JAG,
            audience: self.issuer().as_str(),
            resource: &self.resource,
            scopes: &self.scopes,
        };
        let answer = exchange
            .ask(&self.client, &server, &provider.client)
            .await?;
        // RFC 8693 section 2.2.1: it says what was given.
        if answer.issued_token_type.as_deref() != Some(ID_JAG) {
            return Err(TokenError::TokenType);
        }
        self.jwt_bearer(&answer.into_assertion()).await
    }
}
