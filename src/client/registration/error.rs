//! Why a client is not known to an authorization server.

use super::super::server_error::ServerError;

/// The client is not known to the authorization server, or must not use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The metadata does not say that S256 is supported, so PKCE may be ignored there (MCP, Authorization
    /// Code Protection). Nothing was registered.
    #[error("the authorization server does not support PKCE with S256")]
    PkceUnsupported,
    /// The authorization server has no authorization endpoint, or gives no codes.
    #[error("the authorization server does not support the authorization code grant")]
    NoAuthorizationEndpoint,
    /// The application is registered with another issuer, and what it has from there is shown to nobody
    /// else.
    #[error("the client is registered with another issuer")]
    CredentialIssuerMismatch,
    /// The authorization server takes neither a metadata document nor a registration: ask the application
    /// to be registered by hand.
    #[error("the authorization server offers no registration")]
    NotOffered,
    /// The client is not registered with this redirect URI.
    #[error("the client is not registered with this redirect URI")]
    RedirectUriNotRegistered,
    /// The registration was rejected.
    #[error("the registration was rejected: {0}")]
    Rejected(ServerError),
    /// The answer is no registration (RFC 7591 section 3.2.1), or not one that can be used.
    #[error("the answer to the registration is malformed")]
    Malformed,
    /// The registration endpoint redirects elsewhere, which is not followed.
    #[error("the registration was redirected elsewhere")]
    RedirectedElsewhere,
    /// The registration endpoint must not be called.
    #[error("the registration endpoint is not one that may be used")]
    UntrustedUrl,
    /// No answer came.
    #[error("no answer that counts came ({cause})")]
    Unavailable {
        /// A stable word for what went wrong.
        cause: &'static str,
    },
}

super::super::error::codes! {
    RegistrationError {
        PkceUnsupported = "pkce_unsupported",
        NoAuthorizationEndpoint = "no_authorization_endpoint",
        CredentialIssuerMismatch = "credential_issuer_mismatch",
        NotOffered = "registration_not_offered",
        RedirectUriNotRegistered = "redirect_uri_not_registered",
        Rejected = "registration_rejected",
        Malformed = "malformed_registration",
        RedirectedElsewhere = "redirected_elsewhere",
        UntrustedUrl = "untrusted_url",
        Unavailable = "unavailable",
    }
}

impl RegistrationError {
    /// Whether the same may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
            || matches!(self, Self::Rejected(error) if error.is_temporary())
    }
}

super::super::error::of_fetching! { RegistrationError { malformed: Malformed, issuer: Malformed } }
