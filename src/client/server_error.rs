//! What an authorization server says when it refuses.

use std::fmt;

/// Why an authorization server refuses, in the word that is registered for it.
///
/// It is one of the words that the specifications define, and never text of a server; a word that is not
/// among them is `unregistered_error`.
///
/// # Specification
/// [RFC 6749 section 11.4](https://www.rfc-editor.org/rfc/rfc6749#section-11.4) and the registry that it
/// made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServerError(&'static str);

const UNREGISTERED: &str = "unregistered_error";

/// Of OAuth, its extensions and `OpenID` Connect, as far as a client of these flows meets them.
const KNOWN: [&str; 26] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "insufficient_user_authentication",
    "interaction_required",
    "invalid_authorization_details",
    "invalid_client",
    "invalid_client_metadata",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_redirect_uri",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "invalid_software_statement",
    "invalid_target",
    "invalid_token",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unapproved_software_statement",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "use_dpop_nonce",
];

impl ServerError {
    pub(super) fn read(text: &str) -> Self {
        let known = KNOWN.iter().find(|known| **known == text);
        Self(known.copied().unwrap_or(UNREGISTERED))
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether the same request may succeed later.
    pub fn is_temporary(self) -> bool {
        matches!(self.0, "server_error" | "temporarily_unavailable")
    }

    /// Whether what was shown (a code, a refresh token, an assertion) is worth nothing.
    pub fn is_invalid_grant(self) -> bool {
        self.0 == "invalid_grant"
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
