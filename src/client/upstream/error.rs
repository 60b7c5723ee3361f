//! Why there is no token for another service.

use super::super::discovery::DiscoveryError;
use super::super::tokens::TokenError;
use super::super::{ClientConfigError, ScopesError};
use crate::id::Issuer;

/// What was said about an exchange cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeConfigError {
    /// The guard keeps no tokens, so there is nothing to exchange.
    #[error("the guard keeps no tokens: say `keep_tokens_for_exchange` where it is built")]
    NotKept,
    /// Nobody knows this server as a client.
    #[error("no issuer was named at which this server is a client")]
    NoIssuer,
    /// The guard does not trust this issuer, so it has no tokens of it.
    #[error("the guard does not trust {0}")]
    UnknownIssuer(Issuer),
    /// Text that is no scope.
    #[error(transparent)]
    Scope(#[from] ScopesError),
    /// The client cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientConfigError),
    /// There are no random bytes.
    #[error("no random bytes")]
    Randomness,
}

/// There is no token for the upstream service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The proof was made by another guard than the exchange's.
    #[error("the proof was made by another guard")]
    ForeignProof,
    /// The caller's token is over or was revoked: nobody acts on its behalf any more.
    #[error("the caller's token is not in force any more")]
    Expired,
    /// What other machines have revoked is not known at the moment, so nobody acts for anybody.
    #[error("it is not known at the moment what was revoked")]
    RevocationsUnknown,
    /// This server is no client of the caller's issuer.
    #[error("this server is not a client of {0}")]
    NotRegistered(Issuer),
    /// The issuer has given something else than an access token.
    #[error("what was given is no access token")]
    TokenType,
    /// The issuer has given back the caller's own token, which must not be passed on.
    #[error("the issuer gave back the caller's own token")]
    Passthrough,
    /// The issuer has refused, or cannot be asked.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl ExchangeError {
    /// A stable code, for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignProof => "foreign_proof",
            Self::Expired => "expired",
            Self::RevocationsUnknown => "revocations_unknown",
            Self::NotRegistered(_) => "not_registered",
            Self::TokenType => "token_type",
            Self::Passthrough => "passthrough",
            Self::Token(error) => error.code(),
        }
    }

    /// Whether the same may succeed later: the issuer, or the store of revocations, could not be asked.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::RevocationsUnknown)
            || matches!(self, Self::Token(error) if error.is_temporary())
    }
}

impl From<DiscoveryError> for ExchangeError {
    fn from(error: DiscoveryError) -> Self {
        Self::Token(error.into())
    }
}
