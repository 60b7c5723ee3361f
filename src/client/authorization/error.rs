//! Why an authorization request has no answer that counts.

use super::super::server_error::ServerError;
use super::super::tokens::TokenError;

/// An authorization request could not be made, or what came back does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// There were no random bytes for the verifier and the state.
    #[error("no random bytes")]
    NoRandomness,
    /// The answer came too late.
    #[error("the authorization request has expired")]
    Expired,
    /// Nothing waits for this answer: it was used, has expired, belongs to another session, or was never
    /// asked for.
    #[error("no authorization request waits for this answer")]
    UnknownState,
    /// The answer has no `state`.
    #[error("the answer has no state")]
    StateMissing,
    /// The `state` of the answer is another one.
    #[error("the answer has another state")]
    StateMismatch,
    /// The authorization server promises `iss`, and the answer has none (RFC 9207 section 2.4).
    #[error("the answer does not say who gave it")]
    IssMissing,
    /// The answer was given by another issuer (RFC 9207 section 2.4).
    #[error("the answer was given by another issuer")]
    IssMismatch,
    /// A parameter of the answer stands twice (RFC 6749 section 3.1).
    #[error("a parameter of the answer stands twice")]
    Repeated,
    /// The answer has a code and an error.
    #[error("the answer has a code and an error")]
    Contradictory,
    /// The answer has neither a code nor an error.
    #[error("the answer has no code")]
    CodeMissing,
    /// The answer is too long to be one.
    #[error("the answer is too long")]
    TooLong,
    /// The user or the authorization server has refused.
    #[error("the authorization was refused: {0}")]
    Refused(ServerError),
    /// What waits for the answer could not be kept, or not be looked up.
    #[error("the store of what waits for answers failed")]
    Store,
    /// The code was not changed into a token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

super::super::error::codes! {
    AuthorizationError {
        NoRandomness = "no_randomness",
        Expired = "expired",
        UnknownState = "unknown_state",
        StateMissing = "state_missing",
        StateMismatch = "state_mismatch",
        IssMissing = "iss_missing",
        IssMismatch = "iss_mismatch",
        Repeated = "repeated_parameter",
        Contradictory = "code_and_error",
        CodeMissing = "code_missing",
        TooLong = "too_long",
        Refused = "authorization_refused",
        Store = "store_failed",
    }
    inner Token
}

impl AuthorizationError {
    /// Whether the same may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Store)
            || matches!(self, Self::Refused(error) if error.is_temporary())
            || matches!(self, Self::Token(error) if error.is_temporary())
    }
}
