//! The one place that says how a refusal is answered.

use http::{HeaderValue, StatusCode};

use super::challenge::Challenge;
use crate::refusal::{Answers, Reason, Refusal};

/// What each class of refusal looks like: status, JSON-RPC code and a constant body. The `id` is
/// left out, because no body was read (MCP: an id that is unknown is omitted, not null).
macro_rules! body {
    ($code:literal, $message:literal) => {
        concat!(
            r#"{"jsonrpc":"2.0","error":{"code":"#,
            $code,
            r#","message":""#,
            $message,
            r#""}}"#
        )
    };
}

impl Refusal {
    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        match self.reason() {
            Reason::MalformedCredential(_) => StatusCode::BAD_REQUEST,
            Reason::InvalidToken(_) | Reason::NoCredential => StatusCode::UNAUTHORIZED,
            Reason::Denied | Reason::InsufficientScope => StatusCode::FORBIDDEN,
            Reason::LimitExceeded(_) => StatusCode::TOO_MANY_REQUESTS,
            Reason::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The body: a JSON-RPC 2.0 error object with a constant message.
    ///
    /// Codes: -32600 malformed credential, 40100 no or bad token, 40300 scope, 40301 denied for
    /// another reason, 42900 limit, 50300 unavailable.
    pub const fn body(&self) -> &'static str {
        match self.reason() {
            Reason::MalformedCredential(_) => body!("-32600", "malformed credential"),
            Reason::InvalidToken(_) => body!("40100", "invalid access token"),
            Reason::NoCredential => body!("40100", "access token required"),
            Reason::InsufficientScope => body!("40300", "insufficient scope"),
            Reason::Denied => body!("40301", "access denied"),
            Reason::LimitExceeded(_) => body!("42900", "too many requests"),
            Reason::Unavailable(_) => body!("50300", "temporarily unavailable"),
        }
    }

    /// The same for a request whose id is known: it is echoed as it was written.
    #[cfg(feature = "axum")]
    pub(crate) fn body_for(&self, id: Option<&str>) -> String {
        const HEAD: &str = r#"{"jsonrpc":"2.0","#;
        let body = self.body();
        match (id, body.strip_prefix(HEAD)) {
            (Some(id), Some(rest)) => format!(r#"{HEAD}"id":{id},{rest}"#),
            _ => body.to_owned(),
        }
    }

    /// The value of `WWW-Authenticate`, where the answer has one.
    pub fn challenge(&self) -> Option<HeaderValue> {
        let answers = self.answers();
        let ready = |place: &std::sync::OnceLock<Option<HeaderValue>>, error, scope| {
            place
                .get_or_init(|| challenge(answers, error, scope))
                .clone()
        };
        let baseline = answers.baseline.as_deref();
        match self.reason() {
            // RFC 6750 section 3.1: who showed no token is told no error.
            Reason::NoCredential => ready(&answers.no_credential, None, baseline),
            Reason::MalformedCredential(_) => {
                ready(&answers.malformed, Some("invalid_request"), baseline)
            }
            Reason::InvalidToken(_) => {
                ready(&answers.invalid_token, Some("invalid_token"), baseline)
            }
            Reason::InsufficientScope => {
                challenge(answers, Some("insufficient_scope"), self.scope())
            }
            Reason::Denied | Reason::LimitExceeded(_) | Reason::Unavailable(_) => None,
        }
    }

    /// The value of `Retry-After`, in whole seconds, where the answer has one.
    pub fn retry_after(&self) -> Option<u64> {
        let wait = match self.reason() {
            Reason::LimitExceeded(not_until) => not_until.wait(),
            Reason::Unavailable(unavailable) => unavailable.retry_after(),
            Reason::Denied
            | Reason::InsufficientScope
            | Reason::InvalidToken(_)
            | Reason::MalformedCredential(_)
            | Reason::NoCredential => return None,
        };
        // Rounded up: who waits that long must not come a moment too early.
        let more = u64::from(wait.subsec_nanos() > 0);
        Some(wait.as_secs().saturating_add(more).max(1))
    }
}

fn challenge(
    answers: &Answers,
    error: Option<&'static str>,
    scope: Option<&str>,
) -> Option<HeaderValue> {
    Challenge {
        metadata_url: &answers.metadata_url,
        scope,
        error,
    }
    .to_value()
}
