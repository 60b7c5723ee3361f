//! What a guard publishes to the `metrics` facade, line by line.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use clearance::audit::JsonLines;
use clearance::clock::Clock as _;
use clearance::id::Subject;
use clearance::limit::Quota;
use clearance::testing::{Fault, Issuer, ManualClock};
use clearance::{Guard, GuardBuilder, Ready};
use metrics::with_local_recorder;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use support::client::{open, send};
use support::http::{ask, eventually, verdict};
use support::request::{MODERN, Request};
use support::service::Service;
use support::{E, FilesRead, Fixture, Held, ToolsRead, plain};

fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new().build_recorder()
}

/// What is exposed after the guard has published, in order, without comments.
fn exposed(recorder: &PrometheusRecorder, guard: &Guard<Fixture>) -> Vec<String> {
    with_local_recorder(recorder, || guard.publish_metrics());
    lines(recorder)
}

fn lines(recorder: &PrometheusRecorder) -> Vec<String> {
    let text = recorder.handle().render();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

struct Stage {
    issuer: Issuer,
    clock: ManualClock,
    guard: Guard<Fixture>,
}

async fn stage(
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Stage {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = change(support::strict(&issuer, &clock)).build();
    let guard = guard.expect("a guard");
    guard.ready().await.expect("keys");
    Stage {
        issuer,
        clock,
        guard,
    }
}

/// Each name of the table in the documentation, with the labels and the number that it must have.
#[tokio::test]
async fn each_metric_is_exposed() {
    let stage = stage(|builder| {
        let quota = Quota::per_hour(6);
        builder.limit(quota).audit(JsonLines::to(std::io::sink()))
    })
    .await;
    let Stage {
        issuer,
        clock,
        guard,
    } = &stage;
    let token = |subject: &str| issuer.token().scope("mcp:tools.read").subject(subject);
    let alice = token("alice").mint();
    for _ in 0..3 {
        drop(ask::<ToolsRead>(guard, &alice).await.expect("a proof"));
    }
    for _ in 0..2 {
        ask::<FilesRead>(guard, &alice).await.expect_err("no scope");
    }
    drop(ask::<()>(guard, &alice).await.expect("a proof"));
    for _ in 0..4 {
        assert_eq!(verdict(guard, &alice).await, "limit_exceeded");
    }
    let bad = token("alice").wrong_signature().mint();
    assert_eq!(verdict(guard, &bad).await, "bad_signature");
    let revocations = guard.revocations();
    let revoked = revocations.revoke_subject(issuer.id(), &Subject::new("rita"));
    revoked.expect("room");
    assert_eq!(verdict(guard, &token("rita").mint()).await, "revoked");

    // A stream that is cut.
    let router = Service::default().router();
    let layer = plain::layer(guard).build().expect("a layer");
    let (address, task) = support::spawn(router.layer(layer)).await;
    let _task = Held::from(task);
    let dies = clock.now().checked_add_signed(TimeDelta::seconds(5));
    let short = issuer.token().scope("files:read").subject("bob");
    let short = short.expires_at(dies.expect("a time")).mint();
    let request = Request::new(MODERN, "tools/call export").bearer(&short);
    let (_connection, mut stream) = open(address, &request).await;
    clock.advance(TimeDelta::seconds(65));
    stream.rest().await;

    // And an issuer that is down.
    issuer.fault(Fault::Status(500));
    clock.advance(TimeDelta::seconds(3_600));
    assert_eq!(verdict(guard, &token("carol").mint()).await, "unavailable");
    eventually(|| guard.health().audit.expect("a log").written == 15).await;

    let of = format!("resource=\"{E}\"");
    let by = format!("{of},issuer=\"{}\"", issuer.id());
    let mut expected = vec![
        format!("clearance_audit_events_total{{{of},outcome=\"dropped\"}} 0"),
        format!("clearance_audit_events_total{{{of},outcome=\"failed\"}} 0"),
        format!("clearance_audit_events_total{{{of},outcome=\"written\"}} 15"),
        format!("clearance_decisions_total{{{of},decision=\"allowed\",reason=\"none\"}} 5"),
        format!(
            "clearance_decisions_total{{{of},decision=\"refused\",reason=\"bad_signature\"}} 1"
        ),
        format!(
            "clearance_decisions_total{{{of},decision=\"refused\",reason=\"insufficient_scope\"}} 2"
        ),
        format!(
            "clearance_decisions_total{{{of},decision=\"refused\",reason=\"limit_exceeded\"}} 4"
        ),
        format!("clearance_decisions_total{{{of},decision=\"refused\",reason=\"revoked\"}} 1"),
        format!(
            "clearance_decisions_total{{{of},decision=\"unavailable\",reason=\"unavailable\"}} 1"
        ),
        format!("clearance_issuer_failures_total{{{by}}} 1"),
        format!("clearance_issuer_fetches_total{{{by}}} 2"),
        format!("clearance_issuer_keys{{{by}}} 1"),
        format!("clearance_issuer_keys_age_seconds{{{by}}} 3665"),
        format!("clearance_issuer_ready{{{by}}} 0"),
        format!("clearance_limiter_refusals_total{{{of}}} 4"),
        format!("clearance_penalties_total{{{of}}} 0"),
        format!("clearance_revocation_entries{{{of}}} 1"),
        format!("clearance_revocations_current{{{of}}} 1"),
        format!("clearance_revocations_total{{{of}}} 1"),
        format!("clearance_streams_ended_total{{{of},reason=\"expired\"}} 1"),
        format!("clearance_token_cache_hits_total{{{of}}} 9"),
        format!("clearance_token_cache_misses_total{{{of}}} 5"),
        format!("clearance_token_cache_tokens{{{of}}} 3"),
    ];
    expected.sort();
    let recorder = recorder();
    assert_eq!(exposed(&recorder, guard), expected);
    // Counters are absolute.
    for _ in 0..3 {
        assert_eq!(exposed(&recorder, guard), expected);
    }
    // A recorder that comes later learns the same.
    assert_eq!(exposed(&self::recorder(), guard), expected);
}

/// Each metric says what it is, once.
#[tokio::test]
async fn each_metric_is_described() {
    let stage = stage(|builder| builder.audit(JsonLines::to(std::io::sink()))).await;
    let recorder = recorder();
    let lines = exposed(&recorder, &stage.guard);
    let text = recorder.handle().render();
    let names: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line.split_once('{'))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() >= 13, "{names:?}");
    for name in names {
        let described = text.matches(&format!("# HELP {name} ")).count();
        assert_eq!(described, 1, "{name}");
        let kind = if name.ends_with("_total") {
            "counter"
        } else {
            "gauge"
        };
        assert!(text.contains(&format!("# TYPE {name} {kind}")), "{name}");
    }
}

/// A verification is measured as it happens: one for each token that was not known and is genuine.
#[test]
fn verifications_are_measured_as_they_happen() {
    let clock = support::clock();
    let (runtime, issuer) = support::issuer_apart(&clock);
    let guard = support::strict(&issuer, &clock).unlimited().build();
    let guard = guard.expect("a guard");
    runtime.block_on(guard.ready()).expect("keys");
    let (first, second) = (issuer.token().mint(), issuer.token().mint());
    let bad = issuer.token().wrong_signature().mint();
    let recorder = recorder();
    let mut counted = 0;
    for (token, is_measured) in [
        (&first, true),
        (&first, false),
        (&second, true),
        (&bad, false),
        (&second, false),
    ] {
        with_local_recorder(&recorder, || runtime.block_on(verdict(&guard, token)));
        counted += u32::from(is_measured);
        let line = format!("clearance_verification_seconds_count{{resource=\"{E}\"}} {counted}");
        assert!(lines(&recorder).contains(&line), "{line}");
    }
    // The clock stands still.
    let sum = format!("clearance_verification_seconds_sum{{resource=\"{E}\"}} 0");
    assert!(lines(&recorder).contains(&sum), "{:?}", lines(&recorder));
}

/// Nothing that a client sends becomes a label: thousands of tokens, subjects, issuers, keys, tools and
/// methods leave as many series as the reasons that there were.
#[tokio::test]
async fn labels_stay_few() {
    let stage = stage(GuardBuilder::unlimited).await;
    let Stage { issuer, guard, .. } = &stage;
    let layer = plain::layer(guard).build().expect("a layer");
    let router = Service::default().router().layer(layer);
    let (address, task) = support::spawn(router).await;
    let _task = Held::from(task);
    let recorder = recorder();
    let round = async |from: usize, to: usize| {
        for number in from..to {
            let name = format!("strange-{number}");
            let token = || issuer.token().scope(&name).subject(&name).client(&name);
            let iss = format!("https://{name}.example");
            assert_eq!(verdict(guard, &token().mint()).await, "ok");
            for token in [
                token().claim("iss", iss.as_str()),
                token().audience(name.as_str()),
                token().header("kid", name.as_str()),
                token().header("typ", name.as_str()),
            ] {
                assert_ne!(verdict(guard, &token.mint()).await, "ok");
            }
        }
        for number in from..to.min(from.saturating_add(100)) {
            let token = issuer.token().mint();
            for call in [
                format!("tools/call strange-{number}"),
                format!("strange-{number}/x"),
            ] {
                let request = Request::new(MODERN, &call).bearer(&token);
                assert!(send(address, &request).await.status >= 400);
            }
        }
        exposed(&recorder, guard)
    };
    let names = |lines: &[String]| -> Vec<String> {
        let split = |line: &String| line.rsplit_once(' ').expect("a number").0.to_owned();
        lines.iter().map(split).collect()
    };
    let few = round(0, 2).await;
    let many = round(2, 1_000).await;
    assert_eq!(names(&few), names(&many));
    assert!(many.len() < 40, "{many:#?}");
    assert!(
        many.iter().all(|line| !line.contains("strange")),
        "{many:#?}"
    );
    let allowed = format!(
        "clearance_decisions_total{{resource=\"{E}\",decision=\"allowed\",reason=\"none\"}} 1000"
    );
    assert!(many.contains(&allowed), "{many:#?}");
}

/// Two guards in one process are told apart by their resource, and a guard without an audit log has no
/// numbers of one.
#[tokio::test]
async fn guards_are_told_apart() {
    let stage = stage(GuardBuilder::unlimited).await;
    let elsewhere = "https://other.example/mcp";
    let other = Guard::<Fixture>::builder(elsewhere.parse().expect("a resource"));
    let other = other.issuer(stage.issuer.id().clone()).build();
    let other = other.expect("a guard");
    let recorder = recorder();
    let first = exposed(&recorder, &stage.guard);
    let both = exposed(&recorder, &other);
    let (own, others): (Vec<String>, Vec<String>) = both
        .into_iter()
        .partition(|line| line.contains(&format!("resource=\"{E}\"")));
    assert_eq!(own, first);
    assert!(!others.is_empty());
    assert!(
        others.iter().all(|line| line.contains(elsewhere)),
        "{others:#?}"
    );
    assert!(
        first.iter().all(|line| !line.contains("audit")),
        "{first:#?}"
    );
}
