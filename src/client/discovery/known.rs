//! What issuers have said about themselves, for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::server::ServerMetadata;
use crate::id::Issuer;

const LIFETIME: Duration = Duration::from_mins(5);
const MOST: usize = 32;

/// The metadata of issuers, each under its own name, and when it was read, on the monotonic clock.
#[derive(Default)]
pub(in super::super) struct KnownServers(Mutex<HashMap<Issuer, (Arc<ServerMetadata>, Duration)>>);

impl KnownServers {
    pub(super) fn get(&self, issuer: &Issuer, now: Duration) -> Option<Arc<ServerMetadata>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (server, read_at) = known.get(issuer)?;
        let is_fresh = now < read_at.saturating_add(LIFETIME);
        is_fresh.then(|| Arc::clone(server))
    }

    pub(super) fn keep(&self, server: &Arc<ServerMetadata>, now: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, read_at)| now < read_at.saturating_add(LIFETIME));
        }
        if known.len() < MOST {
            known.insert(server.tokens.issuer.clone(), (Arc::clone(server), now));
        }
    }
}

impl fmt::Debug for KnownServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownServers").finish_non_exhaustive()
    }
}
