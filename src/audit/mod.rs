//! What was decided and why, written down. The only module that logs.
//!
//! One decision is one [`AuditEvent`]: an event of `tracing` with the target `clearance`, and, where the
//! guard has an [audit log](crate::GuardBuilder::audit), one for its [`AuditSink`]. No event contains a
//! credential. Text that strangers chose is shortened, and its control characters are escaped, so that it
//! cannot make up lines of its own.
//!
#![doc = include_str!("operations.md")]
//!
//! Layer L4.

mod auditor;
mod counts;
mod elevations;
mod event;
#[cfg(feature = "fetch")]
mod journal;
mod queue;
#[cfg(feature = "axum")]
mod span;
mod subject;
mod text;
mod trail;

pub use crate::reason_code::ReasonCode;
pub use counts::DecisionStats;
pub use event::{AuditDecision, AuditEvent};
pub use queue::{AuditSink, AuditStats, JsonLines};
pub use subject::SubjectKey;

pub(crate) use auditor::Auditor;
pub(crate) use event::Needed;
#[cfg(feature = "fetch")]
pub(crate) use journal::Journal;
#[cfg(feature = "axum")]
pub(crate) use span::RequestSpan;
pub(crate) use trail::Trail;

use tracing::warn;

/// A stranger's text as it is written down.
pub(crate) fn shown(text: &str) -> Box<str> {
    text::word(text).into()
}

/// A request is refused that no guard has anything to say about.
#[cfg(feature = "rmcp-3")]
pub(crate) fn refused_without_guard(why: &'static str) {
    warn!(target: "clearance", decision = "refused", why, "a request was refused behind its guard");
}

/// A token in the query was ignored (RFC 6750 section 5.3: queries end up in logs).
pub(crate) fn token_in_query() {
    warn!(
        target: "clearance",
        query = "access_token=REDACTED",
        "a token in the query is never a credential",
    );
}
