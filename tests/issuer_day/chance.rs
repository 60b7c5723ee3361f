//! Numbers, a clock that is set, and who listens to what is logged.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clearance::clock::{Clock, WakeUp};
use clearance::testing::ManualClock;
use tracing::field::{Field, Visit};
use tracing::{Metadata, span};

/// Numbers that look like chance (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) >> 1).expect("63 bits") % end
    }

    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    pub(crate) fn one_in(&mut self, many: i64) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        let len = i64::try_from(len).expect("a length");
        usize::try_from(self.below(len)).expect("an index")
    }
}

/// The guard's clock: its time of day is set forward and back, while time goes on evenly.
#[derive(Clone, Debug)]
pub(crate) struct Wall {
    pub(crate) even: ManualClock,
    pub(crate) ahead: Arc<AtomicI64>,
}

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        self.even.now() + TimeDelta::milliseconds(self.ahead.load(Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        self.even.monotonic()
    }
    fn wake_at(&self, _: DateTime<Utc>) -> WakeUp {
        Box::pin(std::future::pending())
    }
}

/// How many fetches brought keys and how many did not, by the guard's log.
#[derive(Clone, Default)]
pub(crate) struct Landings(Arc<[AtomicU64; 2]>, Arc<AtomicBool>);

impl Landings {
    pub(crate) fn count(&self) -> [u64; 2] {
        self.0.each_ref().map(|count| count.load(Ordering::SeqCst))
    }

    /// Whether the last one brought a set in which no key is usable.
    pub(crate) fn took_keys_back(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

/// Whether the cause of a failure is that no key is usable.
struct Cause(bool);

impl Visit for Cause {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0 |= field.name() == "cause" && value == "no_usable_key";
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl tracing::Subscriber for Landings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let has = |name| metadata.fields().field(name).is_some();
        metadata.target() == "clearance" && has("issuer") && !has("decision")
    }
    fn event(&self, event: &tracing::Event<'_>) {
        let mut cause = Cause(false);
        event.record(&mut cause);
        self.1.store(cause.0, Ordering::SeqCst);
        let brought_keys = event.metadata().fields().field("usable").is_some();
        self.0[usize::from(!brought_keys)].fetch_add(1, Ordering::SeqCst);
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
