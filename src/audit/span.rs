//! The span of one request.

use super::ReasonCode;
use super::text;

/// The span of one request: all that is written about it stands in it.
#[derive(Clone, Debug)]
pub(crate) struct RequestSpan(tracing::Span);

impl RequestSpan {
    pub(crate) fn of(correlation: crate::id::CorrelationId) -> Self {
        Self(tracing::info_span!(
            target: "clearance",
            "request",
            correlation_id = %correlation,
            method = tracing::field::Empty,
            target = tracing::field::Empty,
            decision = tracing::field::Empty,
            reason = tracing::field::Empty,
        ))
    }

    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.in_scope(work)
    }

    /// Whether anybody listens.
    pub(crate) fn is_read(&self) -> bool {
        !self.0.is_disabled()
    }

    /// What the request asks for: a method, and the tool, prompt, resource or task.
    pub(crate) fn asks(&self, method: &str, target: Option<&str>) {
        if self.0.is_disabled() {
            return;
        }
        self.0.record("method", text::word(method));
        if let Some(target) = target {
            self.0.record("target", text::name(target));
        }
    }

    pub(crate) fn decided(&self, decision: &'static str, reason: Option<ReasonCode>) {
        self.0.record("decision", decision);
        if let Some(reason) = reason {
            self.0.record("reason", reason.as_str());
        }
    }
}
