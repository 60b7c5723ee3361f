//! Decisions, written down. The only module that logs.
//!
//! One decision is one event of target `clearance`. No event contains a credential. Text that
//! strangers chose is shortened, and its control characters are escaped, so that it cannot make up
//! lines of its own.

use std::fmt::{self, Write as _};

use tracing::{debug, error, info, warn};

#[cfg(feature = "fetch")]
use crate::event::{Event, Sink};
pub use crate::reason_code::ReasonCode;
use crate::refusal::Reason;
use crate::token::Verified;

/// The most characters of a stranger's text that are written.
const LONGEST: usize = 64;

/// Text that a stranger chose.
struct Untrusted<'a>(&'a str);

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        for character in rest.by_ref().take(LONGEST) {
            for escaped in character.escape_debug() {
                f.write_char(escaped)?;
            }
        }
        if rest.next().is_some() {
            f.write_str("..")?;
        }
        Ok(())
    }
}

/// The span of one request: all that is written about it stands in it.
#[cfg(feature = "axum")]
#[derive(Clone, Debug)]
pub(crate) struct RequestSpan(tracing::Span);

#[cfg(feature = "axum")]
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

    /// What the request asks for: a method, and the tool, prompt, resource or task, which is looked for
    /// if somebody listens.
    pub(crate) fn asks<T: AsRef<str>>(&self, method: &str, target: impl FnOnce() -> Option<T>) {
        if self.0.is_disabled() {
            return;
        }
        self.0
            .record("method", tracing::field::display(Untrusted(method)));
        if let Some(target) = target() {
            self.0.record(
                "target",
                tracing::field::display(Untrusted(target.as_ref())),
            );
        }
    }

    pub(crate) fn decided(&self, decision: &'static str, reason: Option<ReasonCode>) {
        self.0.record("decision", decision);
        if let Some(reason) = reason {
            self.0.record("reason", reason.as_str());
        }
    }
}

/// A request was let in.
pub(crate) fn authorized(verified: &Verified) {
    let principal = verified.principal();
    debug!(
        target: "clearance",
        decision = "authorized",
        issuer = %principal.issuer,
        subject = %Untrusted(principal.subject.as_str()),
        client = %Untrusted(principal.client.as_str()),
    );
}

/// A request was refused. `verified` is there only if the token was verified: what an unverified
/// token says about anybody is not written down.
pub(crate) fn refused(reason: &Reason, verified: Option<&Verified>) {
    let code = reason.code().as_str();
    if let Reason::Unavailable(unavailable) = reason {
        error!(
            target: "clearance",
            decision = "unavailable",
            issuer = %unavailable.issuer(),
            cause = unavailable.cause(),
        );
    } else if let Some(verified) = verified {
        let principal = verified.principal();
        info!(
            target: "clearance",
            decision = "refused",
            reason = code,
            issuer = %principal.issuer,
            subject = %Untrusted(principal.subject.as_str()),
            client = %Untrusted(principal.client.as_str()),
        );
    } else {
        info!(target: "clearance", decision = "refused", reason = code);
    }
}

/// A request was refused because its token names a key that its issuer does not publish.
pub(crate) fn unknown_key(reason: &Reason, key_id: Option<&str>) {
    info!(
        target: "clearance",
        decision = "refused",
        reason = reason.code().as_str(),
        key_id = %Untrusted(key_id.unwrap_or_default()),
    );
}

/// A token in the query was ignored (RFC 6750 section 5.3: queries end up in logs).
pub(crate) fn token_in_query() {
    warn!(
        target: "clearance",
        query = "access_token=REDACTED",
        "a token in the query is never a credential",
    );
}

/// Writes down what lower layers report.
#[cfg(feature = "fetch")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journal;

#[cfg(feature = "fetch")]
impl Sink for Journal {
    fn record(&self, event: &Event<'_>) {
        match event {
            Event::KeysArrived {
                issuer,
                usable,
                skipped,
            } => {
                info!(target: "clearance", %issuer, usable, skipped, "keys arrived");
            }
            Event::KeysFailed { issuer, cause } => {
                error!(target: "clearance", %issuer, cause, "keys cannot be had");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RS-148
    #[test]
    fn text_of_strangers_is_short_and_on_one_line() {
        assert_eq!(
            Untrusted("a\nFAKE\u{1b}[31m").to_string(),
            "a\\nFAKE\\u{1b}[31m"
        );
        assert_eq!(
            Untrusted(&"x".repeat(65)).to_string(),
            format!("{}..", "x".repeat(64))
        );
    }
}
