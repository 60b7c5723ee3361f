//! Where machines tell each other what was revoked.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::entries::Lists;
use super::revocation::{Revocation, RevocationError};

/// What a store answers later.
pub type Published<'a> = Pin<Box<dyn Future<Output = Result<(), StoreUnavailable>> + Send + 'a>>;

/// A place through which several machines share what was revoked.
///
/// Requests never wait for it: each guard keeps a list of its own ([`Revocations`](super::Revocations)),
/// and the store puts into it what others publish. While it cannot promise that, it is not
/// [current](Self::is_current), and the guard refuses all requests with 503, unless its builder said
/// otherwise.
pub trait RevocationStore: fmt::Debug + Send + Sync {
    /// Gives `revocation` to all who follow. The future ends well when the store has it for good.
    ///
    /// The guard that asks has taken it into its own list already.
    fn publish<'a>(&'a self, revocation: &Revocation) -> Published<'a>;

    /// Begins to give `sink` what was published before and what will be, for as long as it is
    /// [open](RevocationSink::is_open).
    fn follow(&self, sink: RevocationSink);

    /// Whether those who follow know all that was published until a moment ago, a bound that the store
    /// states: none of them is left out, also not one whose list is full. It is asked at each request, so it
    /// looks at nothing that has to be waited for.
    fn is_current(&self) -> bool;
}

/// The store cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of revocations cannot be asked: {cause}")]
pub struct StoreUnavailable {
    cause: &'static str,
}

impl StoreUnavailable {
    /// For `cause`, a stable code such as `connection_failed`.
    pub const fn new(cause: &'static str) -> Self {
        Self { cause }
    }

    /// The stable code.
    pub const fn cause(&self) -> &'static str {
        self.cause
    }
}

/// The list of a guard, for its store. It does not keep the guard alive.
#[derive(Clone)]
pub struct RevocationSink(Weak<Lists>);

impl RevocationSink {
    pub(super) fn of(lists: &Arc<Lists>) -> Self {
        Self(Arc::downgrade(lists))
    }

    /// Takes what was revoked elsewhere. One that names no moment counts until now, so a store keeps the
    /// moment with it. To learn the same thing twice does no harm, and what is about an issuer that the
    /// guard does not trust, or about [another resource](Revocation::resource), is left out: a store keeps
    /// the resource with what it was told.
    ///
    /// # Errors
    /// [`RevocationError::Full`]: the store is not current until it was taken.
    pub fn learn(&self, revocation: &Revocation) -> Result<(), RevocationError> {
        let Some(lists) = self.0.upgrade() else {
            return Ok(());
        };
        match lists.add(revocation.clone()) {
            Ok(_) | Err(RevocationError::OtherResource | RevocationError::UnknownIssuer) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// For how long `revocation` matters from now on: until no token that it concerns can be in force.
    /// Nothing if the guard is gone.
    pub fn matters_for(&self, revocation: &Revocation) -> Option<Duration> {
        let lists = self.0.upgrade()?;
        Some(lists.matters_for(revocation))
    }

    /// For how long a revocation of this moment matters, at most. Nothing if the guard is gone.
    pub fn keeps_for(&self) -> Option<Duration> {
        self.0.upgrade().map(|lists| lists.keeps_for())
    }

    /// What the guard holds, wherever it learned it, and for how long each still matters: what a store
    /// that lost data is given back.
    pub fn held(&self) -> Vec<(Revocation, Duration)> {
        let lists = self.0.upgrade();
        lists.map(|lists| lists.held()).unwrap_or_default()
    }

    /// Whether the guard is still there.
    pub fn is_open(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl fmt::Debug for RevocationSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationSink(..)")
    }
}
