//! What whoever asks too often is told in header fields: `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers), as structured fields (RFC 9651).

use http::HeaderValue;
use sfv::{KeyRef, ListSerializer, StringRef};

use crate::limit::NotUntil;

/// One policy with these parameters, as a list.
fn policy(
    not_until: &NotUntil,
    numbers: &[(&str, u64)],
    unit: Option<&str>,
) -> Option<HeaderValue> {
    let mut list = ListSerializer::new();
    let name = StringRef::from_str(not_until.limited_by().as_str()).ok()?;
    let mut item = list.bare_item(name);
    for (key, number) in numbers {
        let number = i64::try_from(*number).ok()?;
        item = item.parameter(
            KeyRef::from_str(key).ok()?,
            sfv::Integer::try_from(number).ok()?,
        );
    }
    if let Some(unit) = unit {
        let unit = StringRef::from_str(unit).ok()?;
        item = item.parameter(KeyRef::from_str("qu").ok()?, unit);
    }
    let _written = item.finish();
    HeaderValue::try_from(list.finish()?).ok()
}

/// `RateLimit`: what is left, and in how many seconds there is more.
pub(super) fn state(not_until: &NotUntil) -> Option<HeaderValue> {
    policy(not_until, &[("r", 0), ("t", not_until.seconds())], None)
}

/// `RateLimit-Policy`: how much there is, and in how many seconds.
pub(super) fn quota(not_until: &NotUntil) -> Option<HeaderValue> {
    let quota = u64::from(not_until.quota());
    match not_until.window() {
        Some(window) => policy(not_until, &[("q", quota), ("w", window.as_secs())], None),
        None => policy(not_until, &[("q", quota)], Some("concurrent-requests")),
    }
}

/// The same numbers in the body.
pub(super) fn members(not_until: &NotUntil) -> String {
    let window = not_until.window().map(|window| window.as_secs());
    let window = window.map(|seconds| format!(r#","window":{seconds}"#));
    format!(
        r#""retryAfter":{},"rateLimit":{{"policy":"{}","quota":{}{},"remaining":0}}"#,
        not_until.seconds(),
        not_until.limited_by().as_str(),
        not_until.quota(),
        window.unwrap_or_default(),
    )
}
