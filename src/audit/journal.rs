//! What lower layers report.

use tracing::warn;

use super::text::name;
use crate::event::{Event, Sink};
use crate::id::{ClientId, Issuer};

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
            #[cfg(feature = "axum")]
            Event::TenantUnavailable { tenant, cause } => {
                tracing::error!(target: "clearance", tenant, cause, "a tenant cannot be fetched");
            }
            Event::LimitsAlone { cause, goes_on } => {
                tracing::error!(target: "clearance", cause, goes_on, "quotas are not shared");
            }
            Event::LimitsShared => {
                tracing::info!(target: "clearance", "quotas are shared again");
            }
            Event::Penalised { .. } | Event::TokenSpread { .. } | Event::ManyFailures { .. } => {
                misbehaviour(event);
            }
        }
    }
}

/// Of those who fail again and again.
fn misbehaviour(event: &Event<'_>) {
    if let Event::Penalised {
        peer,
        issuer,
        client,
        reason,
        level,
        lasts,
    } = event
    {
        let issuer = issuer.map(Issuer::as_str);
        let client = client.map(ClientId::as_str).map(name);
        let seconds = lasts.as_secs();
        warn!(target: "clearance", peer, issuer, client, reason, level, seconds, "penalised");
    }
    if let Event::TokenSpread {
        issuer,
        client,
        networks,
        is_refused,
    } = event
    {
        let client = name(client.as_str());
        warn!(target: "clearance", %issuer, client, networks, is_refused, "one token from many networks");
    }
    if let Event::ManyFailures { failures } = event {
        warn!(target: "clearance", failures, "many failures, of all peers together");
    }
}
