//! Records that end with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::turns::Turns;
use super::{CredentialStore, SecretRecord, StoreGuard, StoreKey, Stored};

/// Keeps records in memory. Clones share them.
///
/// # Examples
/// ```
/// use clearance::client::store::{CredentialStore, MemoryStore, SecretRecord, StoreKey};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let key = StoreKey::registration(&"https://auth.example.com".parse()?);
/// store.save(&key, &SecretRecord::new(b"secret".to_vec())).await?;
///
/// let other = StoreKey::registration(&"https://auth.example.com/".parse()?);
/// assert!(store.load(&key).await?.is_some());
/// assert!(store.load(&other).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: Mutex<HashMap<StoreKey, SecretRecord>>,
    turns: Turns,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn records(&self) -> MutexGuard<'_, HashMap<StoreKey, SecretRecord>> {
        let records = self.inner.records.lock();
        records.unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialStore for MemoryStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, Option<SecretRecord>> {
        Box::pin(async move { Ok(self.records().get(key).cloned()) })
    }

    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a SecretRecord) -> Stored<'a, ()> {
        Box::pin(async move {
            self.records().insert(key.clone(), record.clone());
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, ()> {
        Box::pin(async move {
            self.records().remove(key);
            Ok(())
        })
    }

    fn lock<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, StoreGuard> {
        Box::pin(async move { Ok(StoreGuard::new(self.inner.turns.wait(key).await)) })
    }
}
