//! What an authorization server has given.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use zeroize::Zeroizing;

use super::super::endpoint::Endpoint;
use super::super::registration::Registration;
use super::super::scopes::Scopes;
use crate::id::{Issuer, Resource};
use crate::secret::ClientSecret;

/// Tokens for one MCP endpoint, from one issuer.
///
/// # Proves
/// The tokens came from the token endpoint of [`issuer`](Self::issuer), in answer to a request that named
/// [`resource`](Self::resource). Its metadata was found through that resource and is in the issuer's
/// name; with the authorization code grant, the code belonged to a request of this client's, by PKCE,
/// `state` and, where the issuer promises it, `iss`.
///
/// # Does not prove
/// That they are in force still. The access token's text is opaque: nothing is read out of it.
///
/// It is never shown, and it goes nowhere but to the endpoint: see
/// [`authorization_for`](Self::authorization_for).
pub struct TokenSet {
    pub(in super::super) registration: Registration,
    pub(in super::super) endpoint: Endpoint,
    pub(in super::super) resource: Resource,
    pub(in super::super) access: ClientSecret,
    pub(in super::super) refresh: Option<ClientSecret>,
    pub(in super::super) granted: Scopes,
    pub(in super::super) requested: Scopes,
    pub(in super::super) obtained_at: DateTime<Utc>,
    pub(in super::super) deadline: Option<DateTime<Utc>>,
}

/// A token was asked for that is not for this URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token was obtained for another endpoint")]
#[non_exhaustive]
pub struct ForeignEndpointError;

impl TokenSet {
    /// Who has issued the tokens.
    pub const fn issuer(&self) -> &Issuer {
        self.registration.issuer()
    }

    /// What the tokens are for, as it was named in `resource`.
    pub const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The one URL that the access token goes to.
    pub const fn endpoint(&self) -> &Resource {
        self.endpoint.id()
    }

    /// As whom the client has obtained them.
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// What was granted, as far as the issuer says; else what was requested.
    pub const fn granted(&self) -> &Scopes {
        &self.granted
    }

    /// What was requested.
    pub const fn requested(&self) -> &Scopes {
        &self.requested
    }

    /// When they came.
    pub const fn obtained_at(&self) -> DateTime<Utc> {
        self.obtained_at
    }

    /// When the access token is over, if the issuer has said so.
    pub const fn deadline(&self) -> Option<DateTime<Utc>> {
        self.deadline
    }

    /// Whether the access token is over at `now`, or will be within `margin`. It is not, as far as
    /// anybody knows, where the issuer has said nothing.
    pub fn expires_within(&self, margin: TimeDelta, now: DateTime<Utc>) -> bool {
        let end = self.deadline.map(|end| end.checked_sub_signed(margin));
        end.is_some_and(|end| end.is_none_or(|end| end <= now))
    }

    /// Whether there is a refresh token.
    pub const fn can_be_refreshed(&self) -> bool {
        self.refresh.is_some()
    }

    /// The value of `Authorization` for a request to `url`, for a client that is not this crate's. It is
    /// marked as sensitive; copies are the caller's to keep secret.
    ///
    /// # Errors
    /// [`ForeignEndpointError`] if scheme, host, port or path differ from those of the endpoint: nobody
    /// else may see the token.
    ///
    /// # Specification
    /// [MCP authorization, Token Handling](https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#token-handling)
    pub fn authorization_for(&self, url: &str) -> Result<HeaderValue, ForeignEndpointError> {
        let url = url::Url::parse(url).ok();
        let own = url.filter(|url| self.endpoint.is_reached_by(url));
        own.and_then(|_| self.authorization())
            .ok_or(ForeignEndpointError)
    }

    pub(in super::super) fn authorization(&self) -> Option<HeaderValue> {
        let text = Zeroizing::new(["Bearer ", self.access.expose()].concat());
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("registration", &self.registration)
            .field("resource", &self.resource)
            .field("granted", &self.granted)
            .field("deadline", &self.deadline)
            .field("can_be_refreshed", &self.can_be_refreshed())
            .finish_non_exhaustive()
    }
}
