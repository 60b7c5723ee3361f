//! The registrations of a client, each under its issuer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Registration;
use crate::id::{ClientId, Issuer};

/// The most registrations that are remembered, and the most that are known to be over.
const MOST: usize = 64;

#[derive(Default)]
pub(in super::super) struct KnownRegistrations(Mutex<Registrations>);

#[derive(Default)]
struct Registrations {
    known: HashMap<Issuer, Registration>,
    /// What an issuer does not know any more. A store may still have it.
    over: Vec<(Issuer, ClientId)>,
}

impl KnownRegistrations {
    pub(in super::super) fn get(&self, issuer: &Issuer) -> Option<Registration> {
        self.lock().known.get(issuer).cloned()
    }

    pub(in super::super) fn keep(&self, registration: Registration) {
        let mut all = self.lock();
        let is_over = |(issuer, client): &(Issuer, ClientId)| {
            issuer == registration.issuer() && client == registration.client()
        };
        let has_place = all.known.len() < MOST || all.known.contains_key(registration.issuer());
        if has_place && !all.over.iter().any(is_over) {
            let issuer = registration.issuer().clone();
            all.known.insert(issuer, registration);
        }
    }

    /// The issuer does not know it any more.
    pub(in super::super) fn end(&self, registration: &Registration) {
        let mut all = self.lock();
        let (issuer, client) = (registration.issuer(), registration.client());
        let known = all.known.get(issuer);
        if known.is_some_and(|known| known.client() == client) {
            all.known.remove(issuer);
        }
        if all.over.len() >= MOST {
            all.over.remove(0);
        }
        all.over.push((issuer.clone(), client.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Registrations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KnownRegistrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownRegistrations").finish_non_exhaustive()
    }
}
