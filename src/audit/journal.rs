//! What lower layers report.

use tracing::{error, info};

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
        }
    }
}
