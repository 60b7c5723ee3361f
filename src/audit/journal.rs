//! What lower layers report.

use tracing::{error, info, warn};

use super::text::short;
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
                info!(target: "clearance", %issuer, usable, skipped, "keys arrived");
            }
            #[cfg(feature = "fetch")]
            Event::KeysFailed { issuer, cause } => {
                error!(target: "clearance", %issuer, cause, "keys cannot be had");
            }
            Event::LimitsAlone { cause, goes_on } => {
                error!(target: "clearance", cause, goes_on, "quotas are not shared");
            }
            Event::LimitsShared => {
                info!(target: "clearance", "quotas are shared again");
            }
            Event::Penalised {
                peer,
                issuer,
                client,
                reason,
                level,
                lasts,
            } => {
                let issuer = issuer.map(Issuer::as_str);
                let client = client.map(ClientId::as_str).map(short);
                let seconds = lasts.as_secs();
                warn!(target: "clearance", peer, issuer, client, reason, level, seconds, "penalised");
            }
            Event::TokenSpread {
                issuer,
                client,
                networks,
                is_refused,
            } => {
                let client = short(client.as_str());
                warn!(target: "clearance", %issuer, client, networks, is_refused, "one token from many networks");
            }
            Event::ManyFailures { failures } => {
                warn!(target: "clearance", failures, "many failures, of all peers together");
            }
        }
    }
}
