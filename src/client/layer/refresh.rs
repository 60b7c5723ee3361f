//! A refresh, from its beginning to its end.

use tokio::sync::OwnedMutexGuard;

use super::access::Access;
use super::error::AccessError;
use super::held::{Came, Held};
use super::kept::key_of;
use super::renewal::Turn;
use crate::client::{RegistrationMethod, TokenError, TokenSet};
use crate::secret;

/// What a refresh has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// There are new tokens, and they are in use.
    New,
    /// There is no refresh token any more that could be used.
    Over,
}

impl Access {
    /// Gets new tokens for the refresh token of those that are in use.
    ///
    /// It goes on if nobody waits any more: what is half done would cost the refresh token.
    ///
    /// # Errors
    /// [`AccessError`] if none came, and the refresh token may be good still.
    pub(super) async fn refresh(
        &self,
        turn: OwnedMutexGuard<Turn>,
    ) -> (
        Option<OwnedMutexGuard<Turn>>,
        Result<Refreshed, AccessError>,
    ) {
        let access = self.clone();
        let flight = tokio::spawn(async move {
            let done = access.refresh_now().await;
            (turn, done)
        });
        match flight.await {
            Ok((turn, done)) => (Some(turn), done),
            Err(_) => (None, Err(AccessError::Stopped)),
        }
    }

    async fn refresh_now(&self) -> Result<Refreshed, AccessError> {
        let held = self.held();
        let Some(used) = held.tokens() else {
            return Ok(Refreshed::Over);
        };
        let key = key_of(used);
        let _turn = self.shared().store.lock(&key).await?;
        // What is kept counts: another process may have been here, or somebody has signed out.
        let Some(mut kept) = self.stored(&key).await? else {
            self.publish_none();
            return Ok(Refreshed::Over);
        };
        if !is_same(&kept, used)
            && !kept.expires_within(chrono::TimeDelta::zero(), self.client().now())
        {
            self.publish(kept, Came::FromStore)?;
            return Ok(Refreshed::New);
        }
        // From here on, until something else is known, no run of this program finds the refresh token.
        let Some(refresh) = kept.refresh.take() else {
            return Ok(Refreshed::Over);
        };
        self.keep(&kept).await?;
        kept.refresh = Some(refresh);
        match self.client().refresh(&kept).await {
            Ok(new) => {
                if let Err(error) = self.keep(&new).await {
                    self.publish_none();
                    return Err(error);
                }
                self.publish(new, Came::FromIssuer)?;
                Ok(Refreshed::New)
            }
            Err(error) if is_over(&error, &kept) => Ok(Refreshed::Over),
            Err(error) => {
                self.keep(&kept).await?;
                Err(error.into())
            }
        }
    }
}

/// Whether the refresh token cannot be shown again: the server has said so, or it has answered, and nobody
/// knows with what; or it does not know a client any more that has registered itself.
fn is_over(error: &TokenError, tokens: &TokenSet) -> bool {
    let is_dynamic = tokens.registration().by() == RegistrationMethod::Dynamic;
    error.is_invalid_grant()
        || matches!(error, TokenError::Malformed | TokenError::TokenType)
        || (is_dynamic && error.is_invalid_client())
}

/// Whether these are the same tokens.
pub(super) fn is_same(one: &TokenSet, other: &TokenSet) -> bool {
    secret::is_same(
        one.access.expose().as_bytes(),
        other.access.expose().as_bytes(),
    )
}

impl Held {
    /// Whether these are the tokens in use.
    pub(super) fn is(&self, tokens: &TokenSet) -> bool {
        self.tokens().is_some_and(|own| is_same(own, tokens))
    }
}
