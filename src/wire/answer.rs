//! The one place that says how a refusal is answered.

use http::{HeaderValue, StatusCode};

use super::challenge::Challenge;
use super::rate_limit;
use crate::limit::{NotUntil, whole_seconds};
use crate::refusal::{Answers, Reason, Refusal};

impl Refusal {
    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        match self.reason() {
            Reason::MalformedCredential(_) => StatusCode::BAD_REQUEST,
            Reason::InvalidToken(_) | Reason::NoCredential => StatusCode::UNAUTHORIZED,
            Reason::Denied
            | Reason::ForeignHost
            | Reason::ForeignOrigin
            | Reason::InsufficientScope
            | Reason::NotEncrypted
            | Reason::OtherTenant => StatusCode::FORBIDDEN,
            Reason::UnknownSession => StatusCode::NOT_FOUND,
            Reason::LimitExceeded(_) => StatusCode::TOO_MANY_REQUESTS,
            Reason::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The body: a JSON-RPC 2.0 error object with a constant message, and the request's correlation id
    /// in its data, with the numbers of the quota where one is used up. It has no `id`, because no body was read (MCP: an id that is unknown is omitted, not
    /// null).
    ///
    /// Codes: -32600 malformed credential, 40100 no or bad token, 40300 scope, 40301 denied for
    /// another reason, 40400 session, 42900 limit, 50300 unavailable.
    pub fn body(&self) -> String {
        self.body_for(None)
    }

    /// The same for a request whose id is known: it is echoed as it was written.
    pub(crate) fn body_for(&self, id: Option<&str>) -> String {
        let (code, message) = self.error();
        let id = id.map(|id| format!(r#""id":{id},"#)).unwrap_or_default();
        let request = self.correlation_id();
        let request = request.map(|of| format!(r#""correlationId":"{of}""#));
        let limit = self.limit().map(rate_limit::members);
        let data: Vec<String> = request.into_iter().chain(limit).collect();
        let data = if data.is_empty() {
            String::new()
        } else {
            format!(r#","data":{{{}}}"#, data.join(","))
        };
        format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{code},"message":"{message}"{data}}}}}"#)
    }

    /// What each class of refusal says.
    pub(crate) const fn error(&self) -> (i32, &'static str) {
        match self.reason() {
            Reason::MalformedCredential(_) => (-32600, "malformed credential"),
            Reason::InvalidToken(_) => (40100, "invalid access token"),
            Reason::NoCredential => (40100, "access token required"),
            Reason::InsufficientScope => (40300, "insufficient scope"),
            Reason::Denied | Reason::OtherTenant => (40301, "access denied"),
            Reason::ForeignHost => (40301, "host not allowed"),
            Reason::ForeignOrigin => (40301, "origin not allowed"),
            Reason::NotEncrypted => (40301, "encrypted connections only"),
            Reason::UnknownSession => (40400, "session not found"),
            Reason::LimitExceeded(_) => (42900, "too many requests"),
            Reason::Unavailable(_) => (50300, "temporarily unavailable"),
        }
    }

    const fn limit(&self) -> Option<&NotUntil> {
        match self.reason() {
            Reason::LimitExceeded(not_until) => Some(not_until),
            Reason::Denied
            | Reason::ForeignHost
            | Reason::ForeignOrigin
            | Reason::InsufficientScope
            | Reason::InvalidToken(_)
            | Reason::MalformedCredential(_)
            | Reason::NoCredential
            | Reason::NotEncrypted
            | Reason::OtherTenant
            | Reason::Unavailable(_)
            | Reason::UnknownSession => None,
        }
    }

    /// The value of `RateLimit`, where the answer has one: the policy, what is left of it, and in how many
    /// seconds there is more, which is never later than [`retry_after`](Self::retry_after).
    pub fn rate_limit(&self) -> Option<HeaderValue> {
        self.limit().and_then(rate_limit::state)
    }

    /// The value of `RateLimit-Policy`, where the answer has one: the policy, how much it allows, and in how
    /// many seconds.
    pub fn rate_limit_policy(&self) -> Option<HeaderValue> {
        self.limit().and_then(rate_limit::quota)
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
            Reason::Denied
            | Reason::ForeignHost
            | Reason::ForeignOrigin
            | Reason::LimitExceeded(_)
            | Reason::NotEncrypted
            | Reason::OtherTenant
            | Reason::Unavailable(_)
            | Reason::UnknownSession => None,
        }
    }

    /// The value of `Retry-After`, in whole seconds, where the answer has one.
    pub fn retry_after(&self) -> Option<u64> {
        if let Reason::Unavailable(unavailable) = self.reason() {
            return Some(whole_seconds(unavailable.retry_after()));
        }
        self.limit().map(NotUntil::seconds)
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
