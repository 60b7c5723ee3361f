//! What vouches for the tokens of an issuer: its keys, or the issuer itself when it is asked.

use std::time::Duration;

use crate::keys::{IssuerKeys, Unavailable};
#[cfg(feature = "fetch")]
use crate::lifecycle::{Asker, Unanswered};
use crate::token::Verified;

/// What vouches for the tokens of one issuer.
#[derive(Debug)]
pub(super) enum Voucher {
    /// It signs them.
    Keys(IssuerKeys),
    /// It is asked about each of them.
    #[cfg(feature = "fetch")]
    Asked(Asker),
}

impl Voucher {
    /// The keys, if it is them.
    #[cfg_attr(
        not(feature = "fetch"),
        expect(clippy::unnecessary_wraps, reason = "nobody can be asked")
    )]
    pub(super) const fn keys(&self) -> Option<&IssuerKeys> {
        match self {
            Self::Keys(keys) => Some(keys),
            #[cfg(feature = "fetch")]
            Self::Asked(_) => None,
        }
    }

    /// Who is asked, if anybody is.
    #[cfg(feature = "fetch")]
    pub(super) const fn asker(&self) -> Option<&Asker> {
        match self {
            Self::Keys(_) => None,
            Self::Asked(asker) => Some(asker),
        }
    }

    /// Whether what was verified by this still counts, at `now` on the monotonic clock. An answer counts
    /// for as long as it is remembered.
    pub(super) fn still_has(&self, verified: &Verified, now: Duration) -> bool {
        match (self, verified.signed_by()) {
            (Self::Keys(keys), Some(key)) => keys.have(key, now),
            #[cfg(feature = "fetch")]
            (Self::Asked(_), None) => true,
            _ => false,
        }
    }

    /// Waits until tokens can be judged.
    pub(super) async fn ready(&self) -> Result<(), Unavailable> {
        match self {
            Self::Keys(keys) => keys.ready().await.map(drop),
            #[cfg(feature = "fetch")]
            Self::Asked(asker) => asker.ready().await.map_err(|why| unavailable(asker, why)),
        }
    }
}

/// The same for whoever is refused.
#[cfg(feature = "fetch")]
pub(super) fn unavailable(asker: &Asker, why: Unanswered) -> Unavailable {
    Unavailable::new(asker.issuer().clone(), why.cause, why.retry_after)
}
