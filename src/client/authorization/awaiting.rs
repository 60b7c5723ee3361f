//! The request is made, and its answer is awaited.

use std::fmt;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::super::discovery::TokenServer;
use super::super::redirect_uri::RedirectUri;
use super::super::registration::Registration;
use super::super::scopes::Scopes;
use super::super::server_error::ServerError;
use super::super::shared::Client;
use super::super::tokens::{Asked, TokenError, TokenRequest, TokenSet};
use super::{AuthorizationError, Redirect};
use crate::id::{Issuer, Resource};
use crate::secret::is_same;

/// An authorization request that was made, and all that its answer is judged by.
///
/// One redirect answers it, and consumes it: a code is used once. Where the answer may come to another
/// process, or to a server that many people use, keep it in [`Pending`](super::Pending).
#[must_use = "the user has to be sent to its URL"]
pub struct AwaitingRedirect {
    pub(super) client: Client,
    pub(super) tokens: TokenServer,
    pub(super) promises_iss: bool,
    pub(super) registration: Registration,
    pub(super) redirect_uri: RedirectUri,
    pub(super) resource: Resource,
    pub(super) scopes: Scopes,
    pub(super) verifier: Zeroizing<String>,
    pub(super) state: Zeroizing<String>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) url: String,
}

impl AwaitingRedirect {
    /// Where to send the user's browser. It is `https`, or `http` on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the browser comes back to.
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Who is asked.
    pub const fn issuer(&self) -> &Issuer {
        &self.tokens.issuer
    }

    /// What the token will be for.
    pub const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// What is asked for.
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// When an answer comes too late: 10 minutes after the request was made.
    pub const fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Judges the redirect that answers the request, and changes its code into tokens.
    ///
    /// Its `state` is compared first, then `iss`; only then is it looked at what else it says. A `iss` is
    /// compared also where the issuer promises none.
    ///
    /// # Errors
    /// [`AuthorizationError`]. Unless it is about the token, no request was sent.
    ///
    /// # Specification
    /// [OAuth 2.1 section 4.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1#section-4.1),
    /// [RFC 9207 section 2.4](https://www.rfc-editor.org/rfc/rfc9207#section-2.4)
    pub async fn redirected(self, redirect: &Redirect) -> Result<TokenSet, AuthorizationError> {
        let code = self.code(redirect)?;
        let request = TokenRequest {
            client: &self.client,
            server: &self.tokens,
            who: Some(&self.registration.authentication),
        };
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code_verifier", &self.verifier),
            ("resource", self.resource.as_str()),
        ];
        let answer = request.ask(&parameters).await;
        if answer.as_ref().is_err_and(TokenError::is_invalid_client) {
            self.client.forget(&self.registration);
        }
        let answer = answer?;
        Ok(answer.into_tokens(Asked {
            endpoint: self.client.place().clone(),
            registration: self.registration,
            resource: self.resource,
            scopes: self.scopes,
        })?)
    }

    fn code(&self, redirect: &Redirect) -> Result<Zeroizing<String>, AuthorizationError> {
        if self.client.now() >= self.expires_at {
            return Err(AuthorizationError::Expired);
        }
        let said = redirect.parameters()?;
        let state = said.state()?.ok_or(AuthorizationError::StateMissing)?;
        if !is_same(state.as_bytes(), self.state.as_bytes()) {
            return Err(AuthorizationError::StateMismatch);
        }
        match said.iss()? {
            Some(iss) if iss != self.issuer().as_str() => {
                return Err(AuthorizationError::IssMismatch);
            }
            None if self.promises_iss => return Err(AuthorizationError::IssMissing),
            Some(_) | None => {}
        }
        match (said.error()?, said.code()?) {
            (Some(_), Some(_)) => Err(AuthorizationError::Contradictory),
            (Some(error), None) => Err(AuthorizationError::Refused(ServerError::read(error))),
            (None, Some(code)) if !code.is_empty() => Ok(Zeroizing::new(code.to_owned())),
            (None, _) => Err(AuthorizationError::CodeMissing),
        }
    }
}

impl fmt::Debug for AwaitingRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitingRedirect")
            .field("registration", &self.registration)
            .field("redirect_uri", &self.redirect_uri)
            .field("resource", &self.resource)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
