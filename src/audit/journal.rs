//! What lower layers report.

use crate::event::{Event, Sink};

/// Writes down what lower layers report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journal;

impl Sink for Journal {
    fn record(&self, event: &Event<'_>) {
        match event {
            #[cfg(feature = "fetch")]
            Event::KeysArrived {
                issuer,
                usable,
                skipped,
            } => {
                tracing::info!(target: "clearance", %issuer, usable, skipped, "keys arrived");
            }
            #[cfg(feature = "fetch")]
            Event::KeysFailed { issuer, cause } => {
                tracing::error!(target: "clearance", %issuer, cause, "keys cannot be had");
            }
            #[cfg(feature = "redis")]
            Event::RevocationsKnown { store } => {
                tracing::info!(target: "clearance", store, "revocations of other machines are known");
            }
            #[cfg(feature = "redis")]
            Event::RevocationsUnknown { store, cause } => {
                tracing::error!(
                    target: "clearance",
                    store,
                    cause,
                    "revocations of other machines are not known",
                );
            }
            #[cfg(feature = "redis")]
            Event::StoreLostData { store } => {
                tracing::error!(target: "clearance", store, "the store of revocations lost data");
            }
            #[cfg(feature = "redis")]
            Event::RevocationsPutBack { store, entries } => {
                tracing::info!(target: "clearance", store, entries, "revocations were put back");
            }
            #[cfg(feature = "redis")]
            Event::ForeignEntries { store, entries } => {
                tracing::error!(
                    target: "clearance",
                    store,
                    entries,
                    "entries that nobody with the shared key wrote were left out",
                );
            }
            Event::LimitsAlone { cause, goes_on } => {
                tracing::error!(target: "clearance", cause, goes_on, "quotas are not shared");
            }
            Event::LimitsShared => {
                tracing::info!(target: "clearance", "quotas are shared again");
            }
        }
    }
}
