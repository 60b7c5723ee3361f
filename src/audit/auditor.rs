//! The one who writes down what a guard decides.

use std::sync::Arc;
use std::time::Duration;

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Level, debug, error, info};

use super::counts::{Counts, DecisionStats};
use super::elevations::Elevations;
use super::event::{Asked, Needed, Scene};
use super::queue::Queue;
use super::subject::SubjectForm;
use super::text;
use super::{AuditDecision, AuditEvent, AuditSink, AuditStats, ReasonCode, SubjectKey, Trail};
use crate::clock::Clock;
use crate::id::{CorrelationId, Resource};
use crate::keys::Unavailable;
use crate::refusal::{Reason, Refusal, Whose};
use crate::token::Verified;

/// Writes down what one guard decides.
#[derive(Debug)]
pub(crate) struct Auditor {
    clock: Arc<dyn Clock>,
    scene: Arc<Scene>,
    counts: Counts,
    elevations: Elevations,
    queue: Option<Queue>,
}

/// A decision, before it is known whether anybody wants to read it.
#[derive(Clone, Copy)]
struct Decided<'a> {
    decision: AuditDecision,
    reason: Option<ReasonCode>,
    unavailable: Option<&'a Unavailable>,
    verified: Option<&'a Arc<Verified>>,
    /// What is known of who was not.
    whose: Option<&'a Whose>,
    unknown_key: Option<&'a str>,
    needed: Needed,
    /// What is known of the request.
    trail: Option<&'a Trail>,
    from_cache: bool,
    correlation: Option<CorrelationId>,
    begun: Option<Duration>,
}

impl<'a> Decided<'a> {
    /// About a request that is on its way.
    fn along(
        trail: &'a Trail,
        decision: AuditDecision,
        verified: Option<&'a Arc<Verified>>,
    ) -> Self {
        Self {
            decision,
            reason: None,
            unavailable: None,
            verified,
            whose: None,
            unknown_key: None,
            needed: Needed::NOTHING,
            trail: Some(trail),
            from_cache: trail.from_cache,
            correlation: Some(trail.correlation),
            begun: Some(trail.begun()),
        }
    }

    fn whose(&self) -> Whose {
        match self.verified {
            Some(verified) => Whose::Verified(Arc::clone(verified)),
            None => self.whose.cloned().unwrap_or_default(),
        }
    }

    /// For this reason.
    fn because(self, reason: &'a Reason) -> Self {
        let unavailable = if let Reason::Unavailable(unavailable) = reason {
            Some(unavailable)
        } else {
            None
        };
        Self {
            reason: Some(reason.code()),
            unavailable,
            ..self
        }
    }
}

impl Auditor {
    pub(crate) fn new(clock: Arc<dyn Clock>, resource: Resource) -> Self {
        let subjects = SubjectForm::default();
        Self {
            clock,
            scene: Arc::new(Scene { resource, subjects }),
            counts: Counts::new(),
            elevations: Elevations::new(),
            queue: None,
        }
    }

    /// Hashes subjects before they are written.
    pub(crate) fn hash_subjects(&mut self, key: SubjectKey) {
        self.scene = Arc::new(Scene {
            resource: self.scene.resource.clone(),
            subjects: SubjectForm::Hashed(key),
        });
    }

    /// Writes to `sink` too.
    ///
    /// # Errors
    /// If the system gives no thread for that.
    pub(crate) fn write_to(&mut self, sink: Box<dyn AuditSink>) -> std::io::Result<()> {
        self.queue = Some(Queue::into(sink)?);
        Ok(())
    }

    pub(crate) fn decisions(&self) -> DecisionStats {
        self.counts.stats()
    }

    pub(crate) fn stats(&self) -> Option<AuditStats> {
        self.queue.as_ref().map(Queue::stats)
    }

    /// Waits for the audit log, if there is one, and not longer than `limit`; whether it has everything.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.flush(limit))
    }

    /// Whether anybody may read what is written about such a decision.
    ///
    /// The most that any subscriber wants is a number. To ask the subscribers themselves would make
    /// them filter an event that never comes, and some remember that.
    pub(crate) fn reads(&self, decision: AuditDecision) -> bool {
        let level = level(decision);
        self.queue.is_some() || (level <= STATIC_MAX_LEVEL && level <= LevelFilter::current())
    }

    /// Whether anybody may read what is written about any decision.
    pub(crate) fn is_read(&self) -> bool {
        self.reads(AuditDecision::Unavailable)
    }

    /// A request was let in, for what it needed.
    pub(crate) fn allowed(&self, verified: &Arc<Verified>, trail: &Trail, needed: Needed) {
        let allowed = Decided::along(trail, AuditDecision::Allowed, Some(verified));
        self.decided(Decided { needed, ..allowed });
    }

    /// A request was refused that was let in before, and needed what these bits say.
    pub(crate) fn refused(
        &self,
        reason: &Reason,
        verified: &Arc<Verified>,
        trail: &Trail,
        needed: u64,
    ) {
        if matches!(reason, Reason::InsufficientScope) {
            let now = self.clock.monotonic();
            self.elevations
                .note(verified, trail.correlation, needed, now);
        }
        let decision = AuditDecision::because_of(reason.code());
        let refused = Decided::along(trail, decision, Some(verified));
        self.decided(Decided {
            needed: Needed::Bits(needed),
            ..refused.because(reason)
        });
    }

    /// A request was refused for what no rule of the guard is about, such as its form.
    #[cfg(feature = "axum")]
    pub(crate) fn faulty(
        &self,
        reason: ReasonCode,
        verified: Option<&Arc<Verified>>,
        trail: &Trail,
    ) {
        self.decided(Decided {
            reason: Some(reason),
            ..Decided::along(trail, AuditDecision::Refused, verified)
        });
    }

    /// A request was refused before it was let in.
    pub(crate) fn turned_away(&self, refusal: &Refusal, begun: Option<Duration>) {
        let turned_away = Decided {
            decision: AuditDecision::because_of(refusal.reason().code()),
            reason: None,
            unavailable: None,
            verified: None,
            whose: refusal.whose(),
            unknown_key: refusal.unknown_key(),
            needed: Needed::NOTHING,
            trail: None,
            from_cache: refusal.is_from_cache(),
            correlation: refusal.correlation_id(),
            begun,
        };
        self.decided(turned_away.because(refusal.reason()));
    }

    /// Work was ended because its token died.
    #[cfg(feature = "axum")]
    pub(crate) fn ended(&self, reason: ReasonCode, verified: &Arc<Verified>, trail: &Trail) {
        self.decided(Decided {
            reason: Some(reason),
            ..Decided::along(trail, AuditDecision::Ended, Some(verified))
        });
    }

    fn decided(&self, what: Decided<'_>) {
        self.counts.add(what.decision, what.reason);
        let is_allowed = what.decision == AuditDecision::Allowed;
        let elevates = what.verified.filter(|_| is_allowed).and_then(|verified| {
            let now = || self.clock.monotonic();
            self.elevations.settle(verified, now)
        });
        if !self.reads(what.decision) {
            return;
        }
        let event = AuditEvent {
            at: self.clock.now(),
            scene: Arc::clone(&self.scene),
            decision: what.decision,
            reason: what.reason,
            correlation: what.correlation,
            elevates,
            unavailable: what.unavailable.cloned(),
            whose: what.whose(),
            unknown_key: what.unknown_key.map(Box::from),
            asked: what.trail.map_or_else(Asked::default, Trail::asked),
            needed: what.needed,
            from_cache: what.from_cache,
            duration: what.begun.map_or(Duration::ZERO, |begun| {
                self.clock.monotonic().saturating_sub(begun)
            }),
        };
        trace(&event);
        if let Some(queue) = &self.queue {
            queue.push(event);
        }
    }
}

pub(super) fn joined(names: impl Iterator<Item = &'static str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// What is let in is written at the level `debug`, what is refused or ended at `info`, and what nobody could
/// decide at `error`.
const fn level(decision: AuditDecision) -> Level {
    match decision {
        AuditDecision::Allowed => Level::DEBUG,
        AuditDecision::Ended | AuditDecision::Refused => Level::INFO,
        AuditDecision::Unavailable => Level::ERROR,
    }
}

/// One event of `tracing`.
fn trace(event: &AuditEvent) {
    macro_rules! write_at {
        ($level:ident) => {
            $level!(
                target: "clearance",
                decision = event.decision().as_str(),
                reason = event.reason().map(ReasonCode::as_str),
                cause = event.cause(),
                resource = event.resource().as_str(),
                issuer = event.issuer().map(|issuer| issuer.as_str()),
                subject = event.subject(),
                client = event.client().map(|client| text::name(client.as_str())),
                method = event.method(),
                target = event.target(),
                needed = joined(event.needed()),
                held = joined(event.held()),
                key_id = event.key_id().map(|id| text::word(id.as_str())),
                unknown_key = event.unknown_key(),
                from_cache = event.from_cache(),
                duration_us = event.duration_us(),
                correlation_id = event.correlation_id().as_ref().map(CorrelationId::as_str),
                elevates = event.elevates().as_ref().map(CorrelationId::as_str),
            )
        };
    }
    match level(event.decision()) {
        Level::ERROR => write_at!(error),
        Level::INFO => write_at!(info),
        _ => write_at!(debug),
    }
}
