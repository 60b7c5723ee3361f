//! Why a token endpoint gave no token.

use super::super::discovery::DiscoveryError;
use super::super::server_error::ServerError;
use crate::credentials::CannotProve;

/// A token endpoint gave no token that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The authorization server has refused.
    #[error("the request for a token was refused: {0}")]
    Refused(ServerError),
    /// No answer came, so it is not known whether the request was carried out.
    #[error("no answer that counts came ({cause})")]
    Unavailable {
        /// A stable word for what went wrong.
        cause: &'static str,
    },
    /// The answer is no token (RFC 6749 section 5.1).
    #[error("the answer of the token endpoint is malformed")]
    Malformed,
    /// The token is of a kind that cannot be used at a resource.
    #[error("the token is of a type that is not supported")]
    TokenType,
    /// The token endpoint redirects, which is not followed.
    #[error("the request for a token was redirected")]
    RedirectedElsewhere,
    /// The token endpoint must not be called.
    #[error("the token endpoint is not one that may be used")]
    UntrustedUrl,
    /// The authorization server does not accept the way in which this client proves who it is.
    #[error("the authorization server does not support how this client authenticates")]
    AuthenticationUnsupported,
    /// No signature could be made, or there were no random bytes.
    #[error("the client cannot prove who it is")]
    CannotProve,
    /// The application is registered with another issuer, and what it has from there is shown to nobody
    /// else.
    #[error("the client is registered with another issuer")]
    CredentialIssuerMismatch,
    /// The application has named no credential for this authorization server.
    #[error("the client has no credential for this authorization server")]
    NotRegistered,
    /// There is no refresh token.
    #[error("there is no refresh token")]
    NoRefreshToken,
    /// The token is for another endpoint than this client's.
    #[error("the token was obtained for another endpoint")]
    ForeignEndpoint,
    /// The authorization server has no endpoint for revocation.
    #[error("the authorization server does not revoke tokens")]
    NoRevocationEndpoint,
    /// The authorization server could not be found out about.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
}

super::super::error::codes! {
    TokenError {
        Refused = "token_refused",
        Unavailable = "unavailable",
        Malformed = "malformed_token_response",
        TokenType = "token_type",
        RedirectedElsewhere = "redirected_elsewhere",
        UntrustedUrl = "untrusted_url",
        AuthenticationUnsupported = "authentication_unsupported",
        CannotProve = "cannot_prove",
        CredentialIssuerMismatch = "credential_issuer_mismatch",
        NotRegistered = "not_registered",
        NoRefreshToken = "no_refresh_token",
        ForeignEndpoint = "foreign_endpoint",
        NoRevocationEndpoint = "no_revocation_endpoint",
    }
    inner Discovery
}

impl TokenError {
    /// Whether the same may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
            || matches!(self, Self::Refused(error) if error.is_temporary())
            || matches!(self, Self::Discovery(error) if error.is_temporary())
    }

    /// Whether the server has said that the code, refresh token or assertion is worth nothing
    /// (`invalid_grant`): it must not be shown again.
    pub fn is_invalid_grant(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_invalid_grant())
    }

    /// Whether the server has said that it does not know the client (`invalid_client`): a client that has
    /// registered itself does so again the next time.
    pub fn is_invalid_client(&self) -> bool {
        matches!(self, Self::Refused(error) if error.as_str() == "invalid_client")
    }
}

impl From<CannotProve> for TokenError {
    fn from(CannotProve: CannotProve) -> Self {
        Self::CannotProve
    }
}

super::super::error::of_fetching! { TokenError { malformed: Malformed, issuer: Malformed } }
