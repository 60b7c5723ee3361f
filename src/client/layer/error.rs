//! Why a request has no answer that counts.

use super::interaction::InteractionError;
use crate::client::store::StoreError;
use crate::client::{
    AuthorizationError, ClientError, DiscoveryError, RegistrationError, TokenError,
};

/// Why there is no token that the endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The authorization server gave no token.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The same was refused by the person a short while ago. They are not asked again so soon; see
    /// [`Access::ask_again`](super::Access::ask_again).
    #[error("the person has refused this")]
    Denied,
    /// The endpoint wants scopes that the token has or that are not to be had, or has wanted more too often.
    #[error("the scopes that the endpoint wants are not granted")]
    InsufficientScope,
    /// The person could not be asked.
    #[error(transparent)]
    Interaction(#[from] InteractionError),
    /// The endpoint refused the request, and its body cannot be sent again. There are new tokens now, so
    /// the next request may succeed.
    #[error("the request was refused, and its body cannot be sent again")]
    NotReplayable,
    /// The store failed. Tokens that it cannot keep are not used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runtime has shut down.
    #[error("the runtime has shut down")]
    Stopped,
    /// The endpoint does not take tokens that are new, or wants new ones too often.
    #[error("the endpoint refuses tokens that are new")]
    Unauthorized,
}

impl AccessError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::Denied => "authorization_denied",
            Self::InsufficientScope => "insufficient_scope",
            Self::Interaction(error) => error.code(),
            Self::NotReplayable => "body_not_replayable",
            Self::Store(error) => error.code(),
            Self::Stopped => "runtime_stopped",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Whether the same may succeed later, and nobody has to do anything for it.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Client(error) => error.is_temporary(),
            Self::NotReplayable => true,
            Self::Denied
            | Self::InsufficientScope
            | Self::Interaction(_)
            | Self::Store(_)
            | Self::Stopped
            | Self::Unauthorized => false,
        }
    }
}

impl From<DiscoveryError> for AccessError {
    fn from(error: DiscoveryError) -> Self {
        Self::Client(error.into())
    }
}

impl From<RegistrationError> for AccessError {
    fn from(error: RegistrationError) -> Self {
        Self::Client(error.into())
    }
}

impl From<AuthorizationError> for AccessError {
    fn from(error: AuthorizationError) -> Self {
        Self::Client(error.into())
    }
}

impl From<TokenError> for AccessError {
    fn from(error: TokenError) -> Self {
        Self::Client(error.into())
    }
}

/// Why a layered service gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError<E> {
    /// There is no token that the endpoint takes.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The service inside failed.
    #[error("the request failed")]
    Service(#[source] E),
}
