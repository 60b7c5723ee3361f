//! The beginning and the end of an access, said by name.

use std::sync::Arc;

use super::access::Access;
use super::error::AccessError;
use super::kept::key_of;
use crate::client::store::StoreKey;
use crate::client::{Challenge, TokenSet};

impl Access {
    /// Has tokens before the first request needs them: for a command that signs in and does nothing else. A
    /// person may be asked.
    ///
    /// # Errors
    /// [`AccessError`]
    pub async fn sign_in(&self) -> Result<(), AccessError> {
        let ticket = self.ticket().await?;
        if ticket.header.is_none() {
            self.refused(&ticket, Challenge::default()).await?;
        }
        Ok(())
    }

    /// Forgets the tokens, here and in the store, and tells their issuer that they are not needed any more.
    /// What cannot be read in the store is removed as well.
    ///
    /// # Errors
    /// [`AccessError`] if the store cannot forget them, or if the issuer was not told. They are not used any
    /// more then, either.
    ///
    /// # Specification
    /// [RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)
    pub async fn sign_out(&self) -> Result<(), AccessError> {
        let _turn = Arc::clone(&self.shared().turns).lock_owned().await;
        let held = self.held();
        self.publish_none();
        let used = held.tokens();
        // What another process keeps, or an earlier try has left there, is found as well.
        let key = match used {
            Some(used) => Some(key_of(used)),
            None => self.last_key().await?,
        };
        let Some(key) = key else {
            return Ok(());
        };
        let kept = self.forget(&key).await?;
        // Another process may have newer ones, with which ours are over.
        match kept.as_ref().or(used) {
            Some(newest) => Ok(self.client().revoke(newest).await?),
            None => Ok(()),
        }
    }

    /// Takes the tokens out of the store.
    async fn forget(&self, key: &StoreKey) -> Result<Option<TokenSet>, AccessError> {
        let store = &self.shared().store;
        let _turn = store.lock(key).await?;
        let kept = self.stored(key).await;
        store.remove(key).await?;
        let choice = StoreKey::choice(self.client().endpoint());
        store.remove(&choice).await?;
        Ok(kept.ok().flatten())
    }
}
