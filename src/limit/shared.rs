//! Quotas that several machines share.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{LimitedBy, Quota};
use crate::clock::Clock;
use crate::event::{Event, Sink};
use crate::token::Verified;

/// What a store answers later.
pub type Counted<'a> =
    Pin<Box<dyn Future<Output = Result<Verdict, LimitsUnavailable>> + Send + 'a>>;

/// Where several machines count together.
///
/// A guard asks it once for each request, when it is known who calls, and a second time where a call has a
/// quota or a cost of its own. What is beyond a quota on one machine alone is refused without asking. The
/// quotas of [`Peers`](super::Peers) stay with each machine.
pub trait LimitStore: fmt::Debug + Send + Sync {
    /// Counts these in their order, as one step that nobody else comes between. At the first that goes
    /// beyond its quota it ends, and what stands before that stays counted.
    ///
    /// It ends within a short time, with an error if it must.
    fn count<'a>(&'a self, charges: &'a [Charge]) -> Counted<'a>;
}

/// What a store has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing is beyond its quota.
    Within,
    /// One is.
    Beyond {
        /// Its place among the charges.
        place: usize,
        /// How long to wait until it passes.
        wait: Duration,
    },
}

/// So many units of one quota.
#[derive(Clone, PartialEq, Eq)]
pub struct Charge {
    account: Vec<u8>,
    quota: Quota,
    units: NonZeroU32,
}

impl Charge {
    /// `name` is that of the method, tool or scope.
    pub(super) fn new(
        by: LimitedBy,
        verified: &Verified,
        name: &str,
        quota: Quota,
        units: NonZeroU32,
    ) -> Self {
        let principal = verified.principal();
        let subject = match by {
            LimitedBy::Client => "",
            LimitedBy::Peer
            | LimitedBy::Principal
            | LimitedBy::Method
            | LimitedBy::Tool
            | LimitedBy::Scope
            | LimitedBy::Calls
            | LimitedBy::Streams
            | LimitedBy::Penalty
            | LimitedBy::Networks => principal.subject.as_str(),
        };
        let resource = verified.rules().resource.as_str();
        let (issuer, client) = (principal.issuer.as_str(), principal.client.as_str());
        let mut account = Vec::new();
        for part in [resource, by.as_str(), name, issuer, subject, client] {
            // The lengths keep ("a", "bc") and ("ab", "c") apart.
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            account.extend_from_slice(&length.to_be_bytes());
            account.extend_from_slice(part.as_bytes());
        }
        Self {
            account,
            quota,
            units,
        }
    }

    /// Whose quota, and for what: the same bytes on each machine, and other bytes for any other quota of the
    /// same resource, and for any other resource. They name subjects, so a store writes down a keyed hash of them in their place.
    pub fn account(&self) -> &[u8] {
        &self.account
    }

    /// How much there is.
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// How much of it is taken.
    pub const fn units(&self) -> NonZeroU32 {
        self.units
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("quota", &self.quota)
            .field("units", &self.units)
            .finish_non_exhaustive()
    }
}

/// The store of quotas cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of quotas cannot be asked: {cause}")]
pub struct LimitsUnavailable {
    cause: &'static str,
}

impl LimitsUnavailable {
    /// For `cause`, a stable code such as `connection_failed`.
    pub const fn new(cause: &'static str) -> Self {
        Self { cause }
    }

    /// The stable code.
    pub const fn cause(&self) -> &'static str {
        self.cause
    }
}

/// How quotas are shared.
#[derive(Clone, Debug)]
pub(crate) struct LimitSharing {
    store: Arc<dyn LimitStore>,
    /// Whether requests go on while it cannot be asked: then each machine counts for itself.
    pub(crate) goes_on: bool,
}

impl LimitSharing {
    pub(crate) fn new(store: Arc<dyn LimitStore>, goes_on: bool) -> Self {
        Self { store, goes_on }
    }

    pub(super) fn watched(self, clock: Arc<dyn Clock>, sink: Arc<dyn Sink>) -> Watched {
        Watched {
            store: self.store,
            goes_on: self.goes_on,
            clock,
            sink,
            failed_at: AtomicU64::new(NEVER),
        }
    }
}

/// A store, and how it is with it.
#[derive(Debug)]
pub(super) struct Watched {
    store: Arc<dyn LimitStore>,
    pub(super) goes_on: bool,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn Sink>,
    /// When it last failed, if it has not answered since, in milliseconds on the monotonic clock.
    failed_at: AtomicU64,
}

const NEVER: u64 = u64::MAX;
/// For how long a failure says that the store is down: a machine that gets no requests because of it would
/// never find out that it is back.
const JUST_NOW: Duration = Duration::from_secs(5);

impl Watched {
    /// Whether it answered when it was last asked, as far as that says anything.
    pub(super) fn is_current(&self) -> bool {
        let failed_at = self.failed_at.load(Ordering::Relaxed);
        let since = self
            .clock
            .monotonic()
            .saturating_sub(Duration::from_millis(failed_at));
        failed_at == NEVER || since > JUST_NOW
    }

    pub(super) async fn count(&self, charges: &[Charge]) -> Result<Verdict, LimitsUnavailable> {
        let counted = self.store.count(charges).await;
        match &counted {
            Ok(_) => {
                // Read first: it is written by nobody as long as all is well.
                if self.failed_at.load(Ordering::Relaxed) != NEVER
                    && self.failed_at.swap(NEVER, Ordering::Relaxed) != NEVER
                {
                    self.sink.record(&Event::LimitsShared);
                }
            }
            Err(LimitsUnavailable { cause }) => {
                let now = self.clock.monotonic().as_millis();
                let now = u64::try_from(now)
                    .unwrap_or(NEVER)
                    .min(NEVER.saturating_sub(1));
                if self.failed_at.swap(now, Ordering::Relaxed) == NEVER {
                    let goes_on = self.goes_on;
                    self.sink.record(&Event::LimitsAlone { cause, goes_on });
                }
            }
        }
        counted
    }
}
