//! What a guard has counted, for the `metrics` facade.

use std::sync::{Arc, PoisonError};

use metrics::{Counter, counter, describe_counter, describe_gauge, gauge, histogram};

use super::{Guard, Inner, IssuerHealth};
use crate::audit::{AuditDecision, AuditStats, DecisionStats, ReasonCode, Trail};
use crate::limit::LimitedBy;
use crate::scope::Vocabulary;

impl<V: Vocabulary> Guard<V> {
    /// Publishes what the guard has counted to the recorder of the `metrics` facade.
    ///
    /// A request counts with an atomic number and nothing else; the recorder, its labels and its locks
    /// cost it nothing, but for the histogram, which a token that was not known is recorded in as it
    /// happens. So publish from a task every few seconds, or before each scrape, after the recorder is
    /// installed. What has come since the last time is added to the counters: to publish twice changes
    /// nothing, and a guard that takes the place of another counts on. Where that is done in a tokio
    /// runtime, keys are renewed in time although no request comes.
    ///
    /// The labels are the resource, the issuers of the configuration, and stable codes. Nothing that a
    /// client sends becomes one.
    ///
    /// | metric | kind | labels | unit |
    /// | --- | --- | --- | --- |
    /// | `clearance_decisions_total` | counter | `resource`, `decision`, `reason` ([`ReasonCode`](crate::audit::ReasonCode), each from nought on, or `none`) | decisions |
    /// | `clearance_limiter_refusals_total` | counter | `resource`, `limit` ([`LimitedBy`](crate::limit::LimitedBy)) | requests |
    /// | `clearance_penalties_total` | counter | `resource` | penalties that began |
    /// | `clearance_streams_ended_total` | counter | `resource`, `reason` | answers that were cut because their token died |
    /// | `clearance_token_cache_hits_total`, `clearance_token_cache_misses_total` | counter | `resource` | look-ups |
    /// | `clearance_token_cache_tokens` | gauge | `resource` | tokens |
    /// | `clearance_revocations_total` | counter | `resource` | revocations that were taken |
    /// | `clearance_revocation_entries` | gauge | `resource` | entries |
    /// | `clearance_revocations_current` | gauge | `resource` | 1, or 0 while the store is not current |
    /// | `clearance_limits_current` | gauge | `resource` | 1, or 0 while quotas are not counted with other machines |
    /// | `clearance_issuer_ready` | gauge | `resource`, `issuer` | 1, or 0 while its tokens cannot be judged |
    /// | `clearance_issuer_keys` | gauge | `resource`, `issuer` | keys that can verify |
    /// | `clearance_issuer_keys_age_seconds` | gauge | `resource`, `issuer` | seconds since they were fetched |
    /// | `clearance_issuer_fetches_total`, `clearance_issuer_failures_total` | counter | `resource`, `issuer` | fetches of keys, or questions about a token |
    /// | `clearance_audit_events_total` | counter | `resource`, `outcome` (`written`, `dropped`, `dropped_unverified`, `failed`) | events |
    /// | `clearance_verification_seconds` | histogram | `resource` | seconds that a token took which was not known and is genuine, or which its issuer called active, from the first look at the request, the wait for keys or for the answer included; recorded as it happens |
    ///
    /// # Examples
    /// ```
    /// # use clearance::{Guard, mcp::McpScopes};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    /// #     .issuer("https://auth.example.com".parse()?)
    /// #     .build()?;
    /// // In the handler of `/metrics`, before the recorder renders:
    /// guard.publish_metrics();
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish_metrics(&self) {
        self.inner.publish();
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Inner {
    /// A token was verified that was not known.
    pub(super) fn measured(&self, trail: &Trail) {
        let now = self.acceptance.rules().clock.monotonic();
        let time = now.saturating_sub(trail.begun());
        let resource = Arc::clone(&self.label);
        histogram!("clearance_verification_seconds", "resource" => resource).record(time);
    }

    fn publish(self: &Arc<Self>) {
        describe();
        let health = self.looked_at();
        // Held to the end: whoever publishes meanwhile begins where this has ended.
        let published = self.published.lock();
        let mut published = published.unwrap_or_else(PoisonError::into_inner);
        let mut tally = Tally::after(&mut published);
        let resource = Arc::clone(&self.label);
        let of = |name: &'static str| counter!(name, "resource" => Arc::clone(&resource));
        let now = |name: &'static str| gauge!(name, "resource" => Arc::clone(&resource));
        publish_decisions(&mut tally, &resource, &health.decisions);
        tally.add(&of("clearance_token_cache_hits_total"), health.cache.hits);
        tally.add(
            &of("clearance_token_cache_misses_total"),
            health.cache.misses,
        );
        now("clearance_token_cache_tokens").set(count(health.cache.tokens));
        tally.add(&of("clearance_penalties_total"), health.penalties.total);
        let revocations = health.revocations;
        tally.add(&of("clearance_revocations_total"), revocations.taken);
        now("clearance_revocation_entries").set(count(revocations.entries));
        now("clearance_revocations_current").set(f64::from(u8::from(revocations.is_current)));
        now("clearance_limits_current").set(f64::from(u8::from(health.limits.is_current)));
        for issuer in &health.issuers {
            publish_issuer(&mut tally, &resource, issuer);
        }
        if let Some(audit) = health.audit {
            publish_audit(&mut tally, &resource, audit);
        }
    }
}

/// What was published of each counter, in the order in which a guard publishes them.
#[derive(Debug, Default)]
pub(super) struct Published(Vec<u64>);

/// One round of publishing.
struct Tally<'a> {
    published: &'a mut Published,
    place: usize,
}

impl<'a> Tally<'a> {
    const fn after(published: &'a mut Published) -> Self {
        Self {
            published,
            place: 0,
        }
    }

    /// Adds what has come since the last round. A counter may have been there before this guard.
    fn add(&mut self, counter: &Counter, value: u64) {
        if self.published.0.len() <= self.place {
            self.published.0.resize(self.place.saturating_add(1), 0);
        }
        if let Some(published) = self.published.0.get_mut(self.place) {
            counter.increment(value.saturating_sub(*published));
            // Numbers that are read one after the other may come out of order.
            *published = value.max(*published);
        }
        self.place = self.place.saturating_add(1);
    }

    /// The same of a counter that may not be shown.
    fn add_where(&mut self, is_shown: bool, counter: impl FnOnce() -> Counter, value: u64) {
        if is_shown {
            return self.add(&counter(), value);
        }
        self.place = self.place.saturating_add(1);
    }
}

fn publish_decisions(tally: &mut Tally<'_>, resource: &str, decisions: &DecisionStats) {
    let mut publish = |decision: AuditDecision, reason: &str, value| {
        let labels = [
            ("resource", resource.to_owned()),
            ("decision", decision.as_str().to_owned()),
            ("reason", reason.to_owned()),
        ];
        tally.add(&counter!("clearance_decisions_total", &labels), value);
    };
    publish(AuditDecision::Allowed, "none", decisions.allowed);
    let of = |counts: &[(ReasonCode, u64)], code| {
        let count = counts.iter().find(|(counted, _)| *counted == code);
        count.map_or(0, |(_, count)| *count)
    };
    // Each of them, from nought on: of what was not there before, nobody sees that it grows.
    for &code in ReasonCode::ALL {
        let refused = of(&decisions.refused, code);
        publish(AuditDecision::because_of(code), code.as_str(), refused);
    }
    for &by in LimitedBy::ALL {
        let limited = decisions.limited.iter().find(|(known, _)| *known == by);
        let limited = limited.map_or(0, |(_, count)| *count);
        let labels = [
            ("resource", resource.to_owned()),
            ("limit", by.as_str().to_owned()),
        ];
        tally.add(
            &counter!("clearance_limiter_refusals_total", &labels),
            limited,
        );
    }
    for &code in ReasonCode::ALL {
        let labels = [
            ("resource", resource.to_owned()),
            ("reason", code.to_string()),
        ];
        let counter = || counter!("clearance_streams_ended_total", &labels);
        let ended = of(&decisions.ended, code);
        let is_shown = matches!(code, ReasonCode::Expired | ReasonCode::Revoked) || ended > 0;
        tally.add_where(is_shown, counter, ended);
    }
}

fn publish_issuer(tally: &mut Tally<'_>, resource: &str, issuer: &IssuerHealth) {
    let labels = [
        ("resource", resource.to_owned()),
        ("issuer", issuer.issuer.to_string()),
    ];
    gauge!("clearance_issuer_ready", &labels).set(u8::from(issuer.is_ready));
    gauge!("clearance_issuer_keys", &labels).set(count(issuer.keys));
    if let Some(age) = issuer.age {
        gauge!("clearance_issuer_keys_age_seconds", &labels).set(age.as_secs_f64());
    }
    let fetches = counter!("clearance_issuer_fetches_total", &labels);
    tally.add(&fetches, issuer.fetches);
    let failures = counter!("clearance_issuer_failures_total", &labels);
    tally.add(&failures, issuer.failures);
}

fn publish_audit(tally: &mut Tally<'_>, resource: &str, audit: AuditStats) {
    for (outcome, value) in [
        ("written", audit.written),
        ("dropped", audit.dropped),
        ("dropped_unverified", audit.dropped_unverified),
        ("failed", audit.failed),
    ] {
        let labels = [
            ("resource", resource.to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        tally.add(&counter!("clearance_audit_events_total", &labels), value);
    }
}

/// What counters count.
const COUNTERS: &[(&str, &str)] = &[
    (
        "clearance_decisions_total",
        "What the guard has decided, and why",
    ),
    (
        "clearance_limiter_refusals_total",
        "Requests beyond a limit",
    ),
    ("clearance_penalties_total", "Penalties that began"),
    (
        "clearance_streams_ended_total",
        "Answers cut because their token died",
    ),
    ("clearance_token_cache_hits_total", "Tokens that were known"),
    (
        "clearance_token_cache_misses_total",
        "Tokens that were not known",
    ),
    ("clearance_revocations_total", "Revocations that were taken"),
    (
        "clearance_issuer_fetches_total",
        "How often the issuer was asked",
    ),
    (
        "clearance_issuer_failures_total",
        "How often it was asked in vain",
    ),
    (
        "clearance_audit_events_total",
        "What became of events for the audit log",
    ),
];

/// What gauges show.
const GAUGES: &[(&str, &str)] = &[
    ("clearance_token_cache_tokens", "Tokens that are remembered"),
    (
        "clearance_revocation_entries",
        "Revocations that are remembered",
    ),
    (
        "clearance_revocations_current",
        "1 if what other machines revoked is known",
    ),
    (
        "clearance_limits_current",
        "1 if quotas are counted with all machines",
    ),
    (
        "clearance_issuer_ready",
        "1 if the issuer's tokens can be judged",
    ),
    (
        "clearance_issuer_keys",
        "Keys of the issuer that can verify",
    ),
];

fn describe() {
    use metrics::Unit;
    for &(name, what) in COUNTERS {
        describe_counter!(name, what);
    }
    for &(name, what) in GAUGES {
        describe_gauge!(name, what);
    }
    describe_gauge!(
        "clearance_issuer_keys_age_seconds",
        Unit::Seconds,
        "Age of the issuer's keys"
    );
    metrics::describe_histogram!(
        "clearance_verification_seconds",
        Unit::Seconds,
        "How long an unknown token took"
    );
}
