//! The authorization request (OAuth 2.1 section 4.1.1).

use chrono::TimeDelta;
use url::Url;

use super::super::discovery::Discovered;
use super::super::registration::Registered;
use super::{AuthorizationError, AwaitingRedirect, pkce};

/// How long an answer is waited for.
pub(super) const LIFETIME: TimeDelta = TimeDelta::minutes(10);

impl Registered {
    /// The request to send the user's browser to. It has a code challenge, a state and the resource, all of
    /// them new.
    ///
    /// # Errors
    /// [`AuthorizationError::NoRandomness`]
    ///
    /// # Specification
    /// [RFC 7636 section 4](https://www.rfc-editor.org/rfc/rfc7636#section-4),
    /// [RFC 8707 section 2.1](https://www.rfc-editor.org/rfc/rfc8707#section-2.1)
    pub fn authorize(self) -> Result<AwaitingRedirect, AuthorizationError> {
        let (verifier, state) = (pkce::random()?, pkce::random()?);
        let Discovered {
            client,
            resource,
            server,
            scopes,
            ..
        } = self.discovered;
        let wants_offline = client.settings().wants_refresh && server.has_offline_access;
        let scopes = scopes.and_offline(wants_offline);
        let challenge = pkce::challenge(&verifier);
        let scope = scopes.to_string();
        let parameters = [
            ("response_type", "code"),
            ("client_id", self.registration.client().as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", &scope),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", resource.as_str()),
        ];
        let endpoint = server.authorization_endpoint.as_ref();
        let url = endpoint.and_then(|endpoint| with(endpoint.as_str(), &parameters));
        let now = client.now();
        Ok(AwaitingRedirect {
            // A registered client has an endpoint, whose URL was read before.
            url: url.ok_or(AuthorizationError::NoRandomness)?,
            expires_at: now.checked_add_signed(LIFETIME).unwrap_or(now),
            tokens: server.tokens.clone(),
            promises_iss: server.promises_iss,
            registration: self.registration,
            redirect_uri: self.redirect_uri,
            client,
            resource,
            scopes,
            verifier,
            state,
        })
    }
}

/// The URL with these parameters in its query, and no other ones of their names (RFC 6749 section 3.1).
fn with(endpoint: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(endpoint).ok()?;
    let is_ours = |name: &str| parameters.iter().any(|(own, _)| *own == name);
    if url.query_pairs().any(|(name, _)| is_ours(&name)) {
        let kept: Vec<_> = url.query_pairs().into_owned().collect();
        let kept = kept.into_iter().filter(|(name, _)| !is_ours(name));
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    url.query_pairs_mut().extend_pairs(given);
    Some(url.into())
}
