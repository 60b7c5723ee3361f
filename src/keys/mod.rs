//! Where keys come from: the issuer's metadata and key set over HTTP, or a fixed set.
//!
//! A request looks at a snapshot and waits for nothing while the key that it needs is there. An
//! issuer that cannot be reached makes requests [`Unavailable`] (503), never unauthorized: a
//! client that is told "401" throws away a good token (RFC 9110 section 15.6.4).
//!
//! - A set lives for as long as `Cache-Control` says in the answer with it, at least 1 minute and at
//!   most 1 hour, and 10 minutes if it says nothing. After about 80 percent of that it is renewed in
//!   the background, when a request comes.
//! - A token with an unknown key makes the guard ask the issuer, once for all that wait, if nobody
//!   asked in the last 5 seconds. Each time it asks for such a token that pause doubles, up to 30
//!   seconds, and it is 5 again after a minute without one. So a rotation is followed within seconds,
//!   and a flood is not passed on to the issuer.
//! - While the issuer is down its last keys serve for 1 hour, or for as long as
//!   [`stale_keys_limit`](crate::TrustedIssuer::stale_keys_limit) says. An issuer that publishes no
//!   usable key is not down: then they serve for the lifetime of their set.
//! - What the configuration names is asked wherever it is; a host that only a document names is
//!   asked at public addresses alone.
//!
//! Each issuer has keys, fetches and cool-downs of its own.
//!
//! Layer L3. Implements RFC 7517 section 5 (key sets) and RFC 9111 section 4.2 (lifetimes).

#[cfg(feature = "fetch")]
mod cooldown;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "fetch")]
mod fetched;
mod fixed;
#[cfg(feature = "fetch")]
mod freshness;
#[cfg(test)]
#[cfg(feature = "fetch")]
mod tests;

pub use fixed::FixedKeys;

#[cfg(feature = "fetch")]
pub(crate) use fetch::{Fetcher, Source};
#[cfg(feature = "fetch")]
pub(crate) use fetched::Fetched;

use std::sync::Arc;
use std::time::Duration;

use crate::id::Issuer;
use crate::jwk::{KeySet, Thumbprint};
use crate::token::{Token, Unverified};

/// What the tokens of an issuer are judged by cannot be had now: its keys, its answer about a token, or
/// what was revoked.
///
/// # Does not prove
/// Anything about a token: this is nobody's refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the tokens of {issuer} are judged by cannot be had: {cause}")]
pub struct Unavailable {
    issuer: Issuer,
    cause: &'static str,
    retry_after: Duration,
}

impl Unavailable {
    pub(crate) const fn new(issuer: Issuer, cause: &'static str, retry_after: Duration) -> Self {
        Self {
            issuer,
            cause,
            retry_after,
        }
    }

    /// Whose tokens.
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// A stable code for the reason, such as `connection_failed` or `issuer_mismatch`.
    pub const fn cause(&self) -> &'static str {
        self.cause
    }

    /// When to ask again.
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

/// How it is with the keys of one issuer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyStatus {
    /// How many there are.
    pub(crate) keys: usize,
    /// How old they are, where they were fetched.
    pub(crate) age: Option<Duration>,
    /// In which time they will be renewed, if somebody asks.
    pub(crate) renewal_in: Option<Duration>,
    /// For how long they serve if no new ones come.
    pub(crate) serve_for: Option<Duration>,
    /// Why the last fetch brought nothing.
    pub(crate) failure: Option<&'static str>,
    pub(crate) fetches: u64,
    pub(crate) failures: u64,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) enum IssuerKeys {
    /// Given once.
    Fixed(Arc<KeySet>),
    /// Fetched from the issuer.
    #[cfg(feature = "fetch")]
    Fetched(Fetched),
}

impl IssuerKeys {
    #[cfg_attr(
        not(feature = "fetch"),
        expect(
            clippy::unused_async,
            unused_variables,
            reason = "fixed keys are there at once"
        )
    )]
    /// The keys for this token. Waits only where the snapshot does not have its key.
    pub(crate) async fn for_token(
        &self,
        token: &Token<Unverified>,
    ) -> Result<Arc<KeySet>, Unavailable> {
        match self {
            Self::Fixed(keys) => Ok(Arc::clone(keys)),
            #[cfg(feature = "fetch")]
            Self::Fetched(fetched) => fetched.keys(|keys| token.is_known_to(keys)).await,
        }
    }

    /// The keys, if the one that this token names is at hand.
    pub(crate) fn at_hand(&self, token: &Token<Unverified>) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(keys) => token.is_known_to(keys).then(|| Arc::clone(keys)),
            #[cfg(feature = "fetch")]
            Self::Fetched(fetched) => fetched.at_hand(|keys| token.is_known_to(keys)),
        }
    }

    /// Whether this key is one of the issuer's at `now` on the monotonic clock. If its keys are not at
    /// hand, because they are too old, it is not; then they have to be waited for.
    #[cfg_attr(
        not(feature = "fetch"),
        expect(unused_variables, reason = "fixed keys do not grow old")
    )]
    pub(crate) fn have(&self, key: &Thumbprint, now: Duration) -> bool {
        match self {
            Self::Fixed(keys) => keys.has(key),
            #[cfg(feature = "fetch")]
            Self::Fetched(fetched) => fetched.have(key, now),
        }
    }

    /// The keys, as soon as there are any.
    #[cfg_attr(
        not(feature = "fetch"),
        expect(clippy::unused_async, reason = "fixed keys are there at once")
    )]
    pub(crate) async fn ready(&self) -> Result<Arc<KeySet>, Unavailable> {
        match self {
            Self::Fixed(keys) => Ok(Arc::clone(keys)),
            #[cfg(feature = "fetch")]
            Self::Fetched(fetched) => fetched.keys(|_| true).await,
        }
    }

    /// How it is with them at `now` on the monotonic clock.
    #[cfg_attr(
        not(feature = "fetch"),
        expect(unused_variables, reason = "fixed keys do not grow old")
    )]
    pub(crate) fn status(&self, now: Duration) -> KeyStatus {
        match self {
            Self::Fixed(keys) => KeyStatus {
                keys: keys.len(),
                ..KeyStatus::default()
            },
            #[cfg(feature = "fetch")]
            Self::Fetched(fetched) => fetched.status(now),
        }
    }

    /// A signature matched none of the keys, and the token names none. The issuer may have changed
    /// its keys; it is asked for the next token's sake.
    pub(crate) fn may_have_changed(&self) {
        match self {
            Self::Fixed(_) => {}
            #[cfg(feature = "fetch")]
            Self::Fetched(fetched) => fetched.hint(),
        }
    }
}
