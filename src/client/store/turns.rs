//! Turns within one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use super::StoreKey;

/// One turn at a time for each key.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Those that somebody has or waits for.
    wanted: Mutex<HashMap<StoreKey, Weak<Turn<()>>>>,
}

impl Turns {
    /// Waits for a turn. Who waits longest is next.
    pub(super) async fn wait(&self, key: &StoreKey) -> OwnedMutexGuard<()> {
        self.of(key).lock_owned().await
    }

    fn of(&self, key: &StoreKey) -> Arc<Turn<()>> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = wanted.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        wanted.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        wanted.insert(key.clone(), Arc::downgrade(&turn));
        turn
    }
}
