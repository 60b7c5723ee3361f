//! Errors as OAuth writes them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::answer;

/// An error code of OAuth, named as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    AccessDenied,
    InvalidClient,
    InvalidClientMetadata,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    ServerError,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
}

/// A code and what a developer is told about it. The text is constant: it repeats nothing of the
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OAuthError {
    pub(super) code: Code,
    pub(super) description: &'static str,
}

impl Code {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::ServerError => "server_error",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::AccessDenied
            | Self::InvalidClientMetadata
            | Self::InvalidGrant
            | Self::InvalidRedirectUri
            | Self::InvalidRequest
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType => StatusCode::BAD_REQUEST,
        }
    }
}

impl OAuthError {
    pub(super) const fn new(code: Code, description: &'static str) -> Self {
        Self { code, description }
    }

    pub(super) const fn request(description: &'static str) -> Self {
        Self::new(Code::InvalidRequest, description)
    }

    pub(super) const fn grant(description: &'static str) -> Self {
        Self::new(Code::InvalidGrant, description)
    }

    pub(super) const fn client() -> Self {
        Self::new(
            Code::InvalidClient,
            "the client is not known, or did not prove who it is",
        )
    }

    pub(super) const fn target(description: &'static str) -> Self {
        Self::new(Code::InvalidTarget, description)
    }

    pub(super) const fn server(description: &'static str) -> Self {
        Self::new(Code::ServerError, description)
    }
}

/// RFC 6749 section 5.2, RFC 7591 section 3.2.2.
impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({
            "error": self.code.as_str(),
            "error_description": self.description,
        });
        let mut response = answer::secret_json(self.code.status(), &body);
        if self.code == Code::InvalidClient {
            let challenge = HeaderValue::from_static("Basic realm=\"clearance test server\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
