//! What lower layers report. Only `audit` writes it down.

use std::time::Duration;

use crate::id::{ClientId, Issuer};

/// Something that happened outside a request's own decision.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A key set arrived and is in use.
    #[cfg(feature = "fetch")]
    KeysArrived {
        /// Whose keys.
        issuer: &'a Issuer,
        /// How many keys can verify.
        usable: usize,
        /// How many were skipped: weak, foreign or not for signatures.
        skipped: usize,
    },
    /// A key set could not be had. The last good one stays in use for a bounded time.
    #[cfg(feature = "fetch")]
    KeysFailed {
        /// Whose keys.
        issuer: &'a Issuer,
        /// A stable code.
        cause: &'static str,
    },
    /// A tenant cannot be fetched.
    #[cfg(feature = "axum")]
    TenantUnavailable {
        /// Its name.
        tenant: &'a str,
        /// A stable code.
        cause: &'static str,
    },
    /// The store of quotas cannot be asked any more.
    LimitsAlone {
        /// A stable code.
        cause: &'a str,
        /// Whether each machine counts for itself meanwhile, or refuses.
        goes_on: bool,
    },
    /// The store of quotas answers again.
    LimitsShared,
    /// What was revoked elsewhere is known again.
    #[cfg(feature = "redis")]
    RevocationsKnown {
        /// Whose store it is.
        store: &'a str,
    },
    /// What was revoked elsewhere is not known any more.
    #[cfg(feature = "redis")]
    RevocationsUnknown {
        /// Whose store it is.
        store: &'a str,
        /// A stable code.
        cause: &'static str,
    },
    /// The store has lost data, or may have.
    #[cfg(feature = "redis")]
    StoreLostData {
        /// Whose store it is.
        store: &'a str,
    },
    /// What this machine holds was put back.
    #[cfg(feature = "redis")]
    RevocationsPutBack {
        /// Whose store it is.
        store: &'a str,
        /// How many entries.
        entries: usize,
    },
    /// There are entries that nobody with the shared key wrote. They are left out.
    #[cfg(feature = "redis")]
    ForeignEntries {
        /// Whose store it is.
        store: &'a str,
        /// How many entries.
        entries: usize,
    },
    /// Somebody who misbehaves has a penalty from now on.
    Penalised {
        /// The address, if it is one.
        peer: Option<&'a str>,
        /// Who vouches for it, if it is a principal.
        issuer: Option<&'a Issuer>,
        /// With which client, if it is a principal.
        client: Option<&'a ClientId>,
        /// A stable code: for which failure.
        reason: &'static str,
        /// How many times what it lasts was doubled.
        level: u32,
        /// For how long.
        lasts: Duration,
    },
    /// One token comes from many networks at once.
    TokenSpread {
        /// Who vouches for it.
        issuer: &'a Issuer,
        /// To whom it was issued.
        client: &'a ClientId,
        /// From how many, at least.
        networks: usize,
        /// Whether further ones are refused.
        is_refused: bool,
    },
    /// All peers together fail more often than expected.
    ManyFailures {
        /// How often, in less than a minute.
        failures: u64,
    },
}

/// Receives events.
pub(crate) trait Sink: std::fmt::Debug + Send + Sync {
    /// Takes note of `event`.
    fn record(&self, event: &Event<'_>);
}
