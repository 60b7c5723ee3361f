//! JWTs as grants (RFC 7523 section 2.1).

use super::super::discovery::Discovered;
use super::super::registration::{Registration, RegistrationMethod};
use super::super::tokens::{Asked, TokenError, TokenRequest, TokenSet};
use crate::credentials::ClientAuthentication;
use crate::secret::ClientSecret;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

impl Discovered {
    /// Tokens for an assertion: a JWT that the platform has given to this workload, for this issuer.
    ///
    /// It is shown once. If it is refused, nothing else is tried. An issuer that only the endpoint names is
    /// shown nothing: say [`allow_issuer`](crate::client::ClientBuilder::allow_issuer) or
    /// [`pre_registered`](crate::client::ClientBuilder::pre_registered) for the one that the assertion is for.
    ///
    /// # Errors
    /// [`TokenError`]
    ///
    /// # Specification
    /// [RFC 7523 section 2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)
    pub async fn jwt_bearer(self, assertion: &ClientSecret) -> Result<TokenSet, TokenError> {
        let registration = self.machine()?;
        // Who gets it is said by the application, and not by the endpoint.
        if registration.is_none() && !self.client.has_named(self.issuer()) {
            return Err(TokenError::NotRegistered);
        }
        let request = TokenRequest {
            client: &self.client,
            server: &self.server.tokens,
            who: registration.as_ref().map(|known| &known.authentication),
        };
        let parameters = [
            ("grant_type", JWT_BEARER),
            ("assertion", assertion.expose()),
            ("scope", &self.scopes.to_string()),
            ("resource", self.resource.as_str()),
        ];
        let answer = request.ask(&parameters).await?;
        let unregistered = || Registration {
            issuer: self.issuer().clone(),
            by: RegistrationMethod::Unregistered,
            authentication: ClientAuthentication::none(""),
            redirect_uris: None,
            secret_expires_at: None,
        };
        answer.into_tokens(Asked {
            endpoint: self.client.place().clone(),
            registration: registration.unwrap_or_else(unregistered),
            resource: self.resource,
            scopes: self.scopes,
        })
    }
}
