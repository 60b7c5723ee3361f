//! Whatever can go wrong on the way to a token.

use super::authorization::AuthorizationError;
use super::discovery::DiscoveryError;
use super::registration::RegistrationError;
use super::tokens::TokenError;

/// Writes the codes of an error's variants.
macro_rules! codes {
    ($error:ident { $($variant:ident = $code:literal,)* } $(inner $inner:ident)?) => {
        impl $error {
            /// A stable word for it.
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    $(Self::$inner(inner) => inner.code(),)?
                }
            }
        }
    };
}
pub(super) use codes;

/// Says what a fault of fetching is called in an error: a document that is none, one of another issuer.
macro_rules! of_fetching {
    ($error:ident { malformed: $malformed:ident, issuer: $issuer:ident }) => {
        impl From<crate::fetch::FetchError> for $error {
            fn from(error: crate::fetch::FetchError) -> Self {
                use crate::fetch::FetchError;

                match error {
                    FetchError::Address | FetchError::Scheme => Self::UntrustedUrl,
                    FetchError::Origin => Self::RedirectedElsewhere,
                    FetchError::Document | FetchError::Size => Self::$malformed,
                    FetchError::Issuer => Self::$issuer,
                    FetchError::Connection | FetchError::Status | FetchError::Time => {
                        let cause = error.code();
                        Self::Unavailable { cause }
                    }
                }
            }
        }
    };
}
pub(super) use of_fetching;

/// Why there is no token: whatever step failed.
///
/// Each step has an error of its own, which converts into this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Who issues tokens could not be found out.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The client is not known to the authorization server.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The authorization request could not be made, or its answer does not count.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// The token endpoint gave no token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl ClientError {
    /// A stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Discovery(error) => error.code(),
            Self::Registration(error) => error.code(),
            Self::Authorization(error) => error.code(),
            Self::Token(error) => error.code(),
        }
    }

    /// Whether the same may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Discovery(error) => error.is_temporary(),
            Self::Registration(error) => error.is_temporary(),
            Self::Authorization(error) => error.is_temporary(),
            Self::Token(error) => error.is_temporary(),
        }
    }
}
