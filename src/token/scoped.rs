//! From `Token<AudienceVerified>` to `Token<Scoped<S>>`.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;

use super::state::{AudienceVerified, Scoped};
use super::verified::Verified;
use super::{Live, Token};
use crate::scope::{Grants, Set};

/// The token does not grant what was required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token does not grant the required scopes")]
#[non_exhaustive]
pub struct ScopeError;

impl Live<Token<AudienceVerified>> {
    /// Accepts the token for the scopes `S`.
    ///
    /// `S` must be known to the vocabulary of the guard that verified the token: its caller, the
    /// guard, has that from the compiler.
    pub(crate) fn require_scope<S: Set>(self) -> Result<Token<Scoped<S>>, ScopeError> {
        self.into_token().advance(|AudienceVerified { verified }| {
            if !S::met(verified.granted.granted) {
                return Err(ScopeError);
            }
            Ok(Scoped {
                verified,
                scope: PhantomData,
            })
        })
    }
}

impl<S: Set> Token<Scoped<S>> {
    /// The same proof for less. The compiler has checked that `S` grants `T`.
    pub(crate) fn narrow<T: Set>(self) -> Token<Scoped<T>>
    where
        S: Grants<T>,
    {
        let Ok(narrowed) = self.advance(|Scoped { verified, .. }| {
            Ok::<_, Infallible>(Scoped {
                verified,
                scope: PhantomData,
            })
        });
        narrowed
    }

    /// The least of the same proof, beside it: every proof is one of a valid token.
    #[cfg(feature = "axum")]
    pub(crate) fn any(&self) -> Token<Scoped<()>> {
        Token {
            state: Scoped {
                verified: Arc::clone(&self.state.verified),
                scope: PhantomData,
            },
        }
    }

    pub(crate) const fn verified(&self) -> &Arc<Verified> {
        &self.state.verified
    }
}
