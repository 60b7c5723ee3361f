//! What an access keeps in its store.

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::error::AccessError;
use crate::client::TokenSet;
use crate::client::store::{SecretRecord, StoreKey};
use crate::id::{Issuer, Resource};

/// Which issuer the endpoint was last used with, and what its tokens are for.
#[derive(Serialize, Deserialize)]
struct Choice {
    issuer: String,
    resource: String,
}

impl Access {
    /// The tokens that were last used with the endpoint. The registration with their issuer is remembered,
    /// too.
    pub(super) async fn last_used(&self) -> Result<Option<TokenSet>, AccessError> {
        let Some((issuer, resource)) = self.choice().await? else {
            return Ok(None);
        };
        self.recall_registration(&issuer).await?;
        self.stored(&StoreKey::tokens(&issuer, &resource)).await
    }

    /// Where the tokens belong that were last used with the endpoint.
    pub(super) async fn last_key(&self) -> Result<Option<StoreKey>, AccessError> {
        let choice = self.choice().await?;
        Ok(choice.map(|(issuer, resource)| StoreKey::tokens(&issuer, &resource)))
    }

    async fn choice(&self) -> Result<Option<(Issuer, Resource)>, AccessError> {
        let key = StoreKey::choice(self.client().endpoint());
        let choice = self.shared().store.load(&key).await?;
        Ok(choice.and_then(|choice| Choice::read(choice.expose())))
    }

    /// The tokens under `key`, if they are of use to this client.
    pub(super) async fn stored(&self, key: &StoreKey) -> Result<Option<TokenSet>, AccessError> {
        let found = self.shared().store.load(key).await?;
        Ok(found.and_then(|record| self.client().tokens_from(record.expose())))
    }

    /// Keeps tokens. They are used after that, and not before.
    pub(super) async fn keep(&self, tokens: &TokenSet) -> Result<(), AccessError> {
        let store = &self.shared().store;
        let record = SecretRecord::new(tokens.to_bytes());
        Ok(store.save(&key_of(tokens), &record).await?)
    }

    /// Keeps that the endpoint is used with the issuer of these tokens.
    pub(super) async fn keep_choice(&self, tokens: &TokenSet) -> Result<(), AccessError> {
        let choice = Choice {
            issuer: tokens.issuer().as_str().to_owned(),
            resource: tokens.resource().as_str().to_owned(),
        };
        // Texts are always JSON.
        let choice = serde_json::to_vec(&choice).unwrap_or_default();
        let key = StoreKey::choice(self.client().endpoint());
        let store = &self.shared().store;
        Ok(store.save(&key, &SecretRecord::new(choice)).await?)
    }

    /// Remembers the registration with `issuer` that was kept.
    pub(super) async fn recall_registration(&self, issuer: &Issuer) -> Result<(), AccessError> {
        let client = self.client();
        if client.registration_with(issuer).is_some() {
            return Ok(());
        }
        let store = &self.shared().store;
        let found = store.load(&StoreKey::registration(issuer)).await?;
        let found = found.and_then(|record| client.registration_from(record.expose()));
        if let Some(registration) = found.filter(|found| found.issuer() == issuer) {
            client.remember(registration);
        }
        Ok(())
    }

    /// Keeps the registration with `issuer`, if the client has registered itself there.
    pub(super) async fn keep_registration(&self, issuer: &Issuer) -> Result<(), AccessError> {
        let Some(registration) = self.client().registration_with(issuer) else {
            return Ok(());
        };
        let store = &self.shared().store;
        let record = SecretRecord::new(registration.to_bytes());
        let key = StoreKey::registration(issuer);
        Ok(store.save(&key, &record).await?)
    }
}

impl Choice {
    fn read(bytes: &[u8]) -> Option<(Issuer, Resource)> {
        let choice: Self = serde_json::from_slice(bytes).ok()?;
        Some((choice.issuer.parse().ok()?, choice.resource.parse().ok()?))
    }
}

/// Where tokens belong.
pub(super) fn key_of(tokens: &TokenSet) -> StoreKey {
    StoreKey::tokens(tokens.issuer(), tokens.resource())
}
