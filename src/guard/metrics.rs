//! What a guard has counted, for the `metrics` facade.

use std::sync::Arc;

use metrics::{counter, describe_counter, describe_gauge, gauge, histogram};

use super::{Guard, Inner, IssuerHealth};
use crate::audit::{AuditDecision, DecisionStats, ReasonCode, Trail};
use crate::scope::Vocabulary;

impl<V: Vocabulary> Guard<V> {
    /// Publishes what the guard has counted to the recorder of the `metrics` facade.
    ///
    /// A request counts with an atomic number and nothing else; the recorder, its labels and its locks
    /// cost no request anything. So publish from a task every few seconds, or before each scrape.
    /// Counters are absolute: to publish twice changes nothing.
    ///
    /// The labels are the resource, the issuers of the configuration, and stable codes. Nothing that a
    /// client sends becomes one.
    ///
    /// | metric | kind | labels | unit |
    /// | --- | --- | --- | --- |
    /// | `clearance_decisions_total` | counter | `resource`, `decision`, `reason` ([`ReasonCode`](crate::audit::ReasonCode), or `none`) | decisions |
    /// | `clearance_limiter_refusals_total` | counter | `resource` | requests |
    /// | `clearance_penalties_total` | counter | `resource` | penalties that began |
    /// | `clearance_streams_ended_total` | counter | `resource`, `reason` | answers that were cut because their token died |
    /// | `clearance_token_cache_hits_total`, `clearance_token_cache_misses_total` | counter | `resource` | look-ups |
    /// | `clearance_token_cache_tokens` | gauge | `resource` | tokens |
    /// | `clearance_revocations_total` | counter | `resource` | revocations that were taken |
    /// | `clearance_revocation_entries` | gauge | `resource` | entries |
    /// | `clearance_revocations_current` | gauge | `resource` | 1, or 0 while the store is not current |
    /// | `clearance_issuer_ready` | gauge | `resource`, `issuer` | 1, or 0 while its tokens cannot be judged |
    /// | `clearance_issuer_keys` | gauge | `resource`, `issuer` | keys that can verify |
    /// | `clearance_issuer_keys_age_seconds` | gauge | `resource`, `issuer` | seconds since they were fetched |
    /// | `clearance_issuer_fetches_total`, `clearance_issuer_failures_total` | counter | `resource`, `issuer` | fetches of keys, or questions about a token |
    /// | `clearance_audit_events_total` | counter | `resource`, `outcome` (`written`, `dropped`, `failed`) | events |
    /// | `clearance_verification_seconds` | histogram | `resource` | seconds that a token took which was not known, from the first look at the request; recorded as it happens |
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

    fn publish(&self) {
        describe();
        let health = self.health();
        let resource = Arc::clone(&self.label);
        let of = |name: &'static str| counter!(name, "resource" => Arc::clone(&resource));
        let now = |name: &'static str| gauge!(name, "resource" => Arc::clone(&resource));
        publish_decisions(&resource, &health.decisions);
        of("clearance_token_cache_hits_total").absolute(health.cache.hits);
        of("clearance_token_cache_misses_total").absolute(health.cache.misses);
        now("clearance_token_cache_tokens").set(count(health.cache.tokens));
        of("clearance_penalties_total").absolute(health.penalties.total);
        let revocations = health.revocations;
        of("clearance_revocations_total").absolute(revocations.taken);
        now("clearance_revocation_entries").set(count(revocations.entries));
        now("clearance_revocations_current").set(f64::from(u8::from(revocations.is_current)));
        for issuer in &health.issuers {
            publish_issuer(&resource, issuer);
        }
        if let Some(audit) = health.audit {
            for (outcome, value) in [
                ("written", audit.written),
                ("dropped", audit.dropped),
                ("failed", audit.failed),
            ] {
                let labels = [
                    ("resource", resource.to_string()),
                    ("outcome", outcome.to_owned()),
                ];
                counter!("clearance_audit_events_total", &labels).absolute(value);
            }
        }
    }
}

fn publish_decisions(resource: &str, decisions: &DecisionStats) {
    let mut limited = 0;
    let publish = |decision: AuditDecision, reason: &str, value| {
        let labels = [
            ("resource", resource.to_owned()),
            ("decision", decision.as_str().to_owned()),
            ("reason", reason.to_owned()),
        ];
        counter!("clearance_decisions_total", &labels).absolute(value);
    };
    publish(AuditDecision::Allowed, "none", decisions.allowed);
    for &(code, value) in &decisions.refused {
        if code == ReasonCode::LimitExceeded {
            limited = value;
        }
        publish(AuditDecision::because_of(code), code.as_str(), value);
    }
    let of = [("resource", resource.to_owned())];
    counter!("clearance_limiter_refusals_total", &of).absolute(limited);
    for (code, value) in &decisions.ended {
        let labels = [
            ("resource", resource.to_owned()),
            ("reason", code.to_string()),
        ];
        counter!("clearance_streams_ended_total", &labels).absolute(*value);
    }
}

fn publish_issuer(resource: &str, issuer: &IssuerHealth) {
    let labels = [
        ("resource", resource.to_owned()),
        ("issuer", issuer.issuer.to_string()),
    ];
    gauge!("clearance_issuer_ready", &labels).set(u8::from(issuer.is_ready));
    gauge!("clearance_issuer_keys", &labels).set(count(issuer.keys));
    if let Some(age) = issuer.age {
        gauge!("clearance_issuer_keys_age_seconds", &labels).set(age.as_secs_f64());
    }
    counter!("clearance_issuer_fetches_total", &labels).absolute(issuer.fetches);
    counter!("clearance_issuer_failures_total", &labels).absolute(issuer.failures);
}

fn describe() {
    use metrics::Unit;
    describe_counter!(
        "clearance_decisions_total",
        "What the guard has decided, and why"
    );
    describe_counter!(
        "clearance_limiter_refusals_total",
        "Requests beyond their principal's quota"
    );
    describe_counter!("clearance_penalties_total", "Penalties that began");
    describe_counter!(
        "clearance_streams_ended_total",
        "Answers cut because their token died"
    );
    describe_counter!("clearance_token_cache_hits_total", "Tokens that were known");
    describe_counter!(
        "clearance_token_cache_misses_total",
        "Tokens that were not known"
    );
    describe_gauge!("clearance_token_cache_tokens", "Tokens that are remembered");
    describe_counter!("clearance_revocations_total", "Revocations that were taken");
    describe_gauge!(
        "clearance_revocation_entries",
        "Revocations that are remembered"
    );
    describe_gauge!(
        "clearance_revocations_current",
        "1 if what other machines revoked is known"
    );
    describe_gauge!(
        "clearance_issuer_ready",
        "1 if the issuer's tokens can be judged"
    );
    describe_gauge!(
        "clearance_issuer_keys",
        "Keys of the issuer that can verify"
    );
    describe_gauge!(
        "clearance_issuer_keys_age_seconds",
        Unit::Seconds,
        "Age of the issuer's keys"
    );
    describe_counter!(
        "clearance_issuer_fetches_total",
        "How often the issuer was asked"
    );
    describe_counter!(
        "clearance_issuer_failures_total",
        "How often it was asked in vain"
    );
    describe_counter!(
        "clearance_audit_events_total",
        "What became of events for the audit log"
    );
    metrics::describe_histogram!(
        "clearance_verification_seconds",
        Unit::Seconds,
        "How long an unknown token took"
    );
}
