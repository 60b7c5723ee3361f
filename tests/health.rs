//! How a guard says that it is, from before its first fetch to the day on which its issuer is back.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

#[path = "introspection/endpoint.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod endpoint;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use clearance::audit::ReasonCode;
use clearance::id::{Issuer, Subject};
use clearance::keys::FixedKeys;
use clearance::lifecycle::{Published, Revocation, RevocationSink, RevocationStore};
use clearance::testing::{Fault, ManualClock};
use clearance::{Guard, IssuerHealth, Problem, TrustedIssuer, health_routes};
use endpoint::{Endpoint, Reply};
use metrics::with_local_recorder;
use metrics_exporter_prometheus::PrometheusBuilder;
use support::http::{ask, bearer, eventually, parts, request, verdict};
use support::{Answer, FilesRead, Fixture, Held, ToolsRead, raw};
use tower::ServiceExt as _;

/// How long the issuer's keys are fresh, and how long they serve while it is down.
const FRESH: Duration = Duration::from_mins(10);
const STALE: Duration = Duration::from_hours(1);

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// How it is with the only issuer.
fn issuer_of(guard: &Guard<Fixture>) -> IssuerHealth {
    let mut issuers = guard.health().issuers;
    assert_eq!(issuers.len(), 1);
    issuers.remove(0)
}

fn problems(guard: &Guard<Fixture>) -> Vec<String> {
    let health = guard.health();
    let problems: Vec<String> = health.problems().map(|of| of.to_string()).collect();
    assert_eq!(health.is_ready(), problems.is_empty());
    problems
}

async fn stage() -> (clearance::testing::Issuer, ManualClock, Guard<Fixture>) {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = support::strict(&issuer, &clock).unlimited().build();
    (issuer, clock, guard.expect("a guard"))
}

/// Keys that were not fetched, are fresh, are renewed in time, and serve while the issuer is down: no
/// longer than they may, and until it is back.
#[tokio::test]
async fn an_issuer_is_followed_through_its_day() {
    let (issuer, clock, guard) = stage().await;
    let down = |cause: &str| vec![format!("tokens of {}: {cause}", issuer.id())];
    let token = || issuer.token().mint();
    let none = issuer_of(&guard);
    assert_eq!((none.is_ready, none.keys), (false, 0));
    assert_eq!((none.fetches, none.failures, none.last_error), (0, 0, None));
    let times = (none.age, none.renewal_in, none.serve_for);
    assert_eq!(times, (None, None, None));
    assert_eq!(problems(&guard), down("not_fetched"));

    guard.ready().await.expect("keys");
    let first = issuer_of(&guard);
    assert_eq!(&first.issuer, issuer.id());
    assert_eq!((first.is_ready, first.keys), (true, 1));
    assert_eq!((first.fetches, first.failures), (1, 0));
    assert_eq!(
        (first.age, first.serve_for),
        (Some(seconds(0)), Some(FRESH))
    );
    let renewal = first.renewal_in.expect("a time");
    assert!(
        (seconds(450)..=seconds(510)).contains(&renewal),
        "{renewal:?}"
    );
    assert_eq!(problems(&guard), [""; 0]);

    clock.advance(TimeDelta::seconds(100));
    let later = issuer_of(&guard);
    assert_eq!(later.age, Some(seconds(100)));
    assert_eq!(later.serve_for, Some(seconds(500)));
    assert_eq!(later.renewal_in, Some(renewal.saturating_sub(seconds(100))));

    // It is time, and a request comes, which waits for nothing.
    clock.advance(TimeDelta::seconds(420));
    assert_eq!(issuer_of(&guard).renewal_in, Some(seconds(0)));
    assert_eq!(verdict(&guard, &token()).await, "ok");
    eventually(|| issuer_of(&guard).age == Some(seconds(0))).await;
    assert_eq!(issuer_of(&guard).fetches, 2);

    issuer.fault(Fault::Status(500));
    clock.advance(TimeDelta::seconds(610));
    assert_eq!(verdict(&guard, &token()).await, "ok");
    let stale = issuer_of(&guard);
    assert_eq!((stale.is_ready, stale.keys), (true, 1));
    assert_eq!(stale.last_error, Some("unexpected_status"));
    assert_eq!((stale.fetches, stale.failures), (3, 1));
    assert_eq!(stale.serve_for, Some(STALE.saturating_sub(seconds(610))));
    assert_eq!(problems(&guard), [""; 0]);

    clock.advance(TimeDelta::seconds(3_600 - 610));
    let dead = issuer_of(&guard);
    assert_eq!((dead.is_ready, dead.serve_for), (false, Some(seconds(0))));
    assert_eq!(problems(&guard), down("unexpected_status"));
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(verdict(&guard, &token()).await, "unavailable");
    assert_eq!(issuer_of(&guard).failures, 2);

    issuer.fault(Fault::None);
    clock.advance(TimeDelta::seconds(6));
    guard.ready().await.expect("keys");
    let back = issuer_of(&guard);
    assert_eq!((back.is_ready, back.last_error), (true, None));
    assert_eq!((back.fetches, back.failures), (5, 2));
    assert_eq!((back.age, back.serve_for), (Some(seconds(0)), Some(FRESH)));
    assert_eq!(problems(&guard), [""; 0]);
    assert_eq!(verdict(&guard, &token()).await, "ok");
}

/// Keys that grew old because nobody came are no failure; and where somebody looks, they do not grow old.
#[tokio::test]
async fn an_idle_guard_stays_ready() {
    let (issuer, clock, guard) = stage().await;
    guard.ready().await.expect("keys");
    for times in 2..4 {
        clock.advance(TimeDelta::hours(5));
        let idle = issuer_of(&guard);
        assert_eq!((idle.is_ready, idle.last_error), (true, None));
        assert_eq!(
            (idle.renewal_in, idle.serve_for),
            (Some(seconds(0)), Some(seconds(0)))
        );
        assert_eq!(problems(&guard), [""; 0]);
        assert_eq!(verdict(&guard, &issuer.token().mint()).await, "ok");
        assert_eq!(issuer_of(&guard).fetches, times);
    }
    let (address, _task) = served(health_routes([&guard])).await;
    for times in [4, 6, 8] {
        clock.advance(TimeDelta::minutes(9));
        assert_says(
            &asked(address, "GET /readyz").await,
            200,
            "{\"ready\":true}",
        );
        eventually(|| issuer_of(&guard).age == Some(seconds(0))).await;
        assert_says(
            &asked(address, "GET /readyz").await,
            200,
            "{\"ready\":true}",
        );
        assert_eq!(issuer_of(&guard).fetches, times);
        clock.advance(TimeDelta::minutes(9));
        let recorder = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&recorder, || guard.publish_metrics());
        eventually(|| issuer_of(&guard).age == Some(seconds(0))).await;
    }
}

/// Keys that are given are there from the start, and have no age.
#[tokio::test]
async fn given_keys_are_ready_at_once() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let keys = FixedKeys::from_json(issuer.jwks());
    let trusted = TrustedIssuer::with_keys(issuer.id().clone(), keys);
    let guard = support::with_rules(trusted, &clock).build();
    let guard = guard.expect("a guard");
    let health = issuer_of(&guard);
    assert_eq!((health.is_ready, health.keys, health.fetches), (true, 1, 0));
    let times = (health.age, health.renewal_in, health.serve_for);
    assert_eq!(times, (None, None, None));
    clock.advance(TimeDelta::days(30));
    assert_eq!(issuer_of(&guard), health);
}

/// A guard that asks `endpoint`, and what is wrong with it for which cause.
fn asking(endpoint: &Endpoint) -> (Guard<Fixture>, impl Fn(&str) -> Vec<String>) {
    let guard = support::with_rules(endpoint.trusted(), endpoint.clock());
    let guard = guard.unlimited().build().expect("a guard");
    let issuer = endpoint.issuer();
    (guard, move |cause| {
        vec![format!("tokens of {issuer}: {cause}")]
    })
}

/// What is seen of questions.
fn seen(guard: &Guard<Fixture>) -> (u64, u64, Option<&'static str>) {
    let health = issuer_of(guard);
    assert_eq!((health.keys, health.age, health.serve_for), (0, None, None));
    (health.fetches, health.failures, health.last_error)
}

/// An issuer that is asked is ready while it answers. That a token which a stranger may have made up found
/// no answer says nothing of it, as long as others find theirs.
#[tokio::test]
async fn an_issuer_that_is_asked_is_ready_while_it_answers() {
    let endpoint = Endpoint::start().await;
    let (guard, down) = asking(&endpoint);
    let nothing = (0, 0, None);
    assert_eq!(
        (seen(&guard), problems(&guard)),
        (nothing, down("not_fetched"))
    );
    guard.ready().await.expect("a place");
    assert_eq!((seen(&guard), problems(&guard)), (nothing, Vec::new()));

    let right = endpoint.but(&serde_json::json!({}));
    let broken = || endpoint.answer([Reply::Text(500, String::new())]);
    let cause = "unexpected_status";
    for (fetches, failures) in [(1, 0), (4, 2)] {
        // Long ago, for those that come now.
        endpoint.clock().advance(TimeDelta::minutes(2));
        endpoint.answer_with(right.clone());
        assert_eq!(verdict(&guard, "opaque").await, "ok");
        assert_eq!(seen(&guard), (fetches, failures, None));
        assert_eq!(problems(&guard), [""; 0]);
        broken();
        for more in 1..=2 {
            let token = format!("made-up-{fetches}-{more}");
            assert_eq!(verdict(&guard, &token).await, "unavailable");
            assert_eq!(seen(&guard), (fetches + more, failures + more, Some(cause)));
            assert_eq!(problems(&guard), [""; 0]);
            endpoint.clock().advance(TimeDelta::seconds(4));
        }
    }
    // Nobody has found an answer for so long.
    endpoint.clock().advance(TimeDelta::seconds(2));
    assert_eq!(problems(&guard), [""; 0], "nobody came meanwhile");
    assert_eq!(verdict(&guard, "made-up").await, "unavailable");
    assert_eq!(seen(&guard), (7, 5, Some(cause)));
    assert_eq!(problems(&guard), down(cause));
    endpoint.answer_with(r#"{"active":false}"#);
    assert_eq!(verdict(&guard, "made-up-too").await, "inactive");
    assert_eq!((seen(&guard), problems(&guard)), ((8, 5, None), Vec::new()));

    // Who was let in before is no stranger.
    endpoint.answer_with(right);
    assert_eq!(verdict(&guard, "opaque").await, "ok");
    endpoint.clock().advance(TimeDelta::seconds(61));
    broken();
    assert_eq!(verdict(&guard, "opaque").await, "unavailable");
    assert_eq!(problems(&guard), down(cause));
}

/// Whoever asks whether a guard is ready does not make it so: what failed has to be answered first.
#[tokio::test]
async fn an_issuer_that_lets_nobody_ask_is_not_ready_for_long() {
    let endpoint = Endpoint::start().await;
    let (guard, down) = asking(&endpoint);
    let (address, _task) = served(health_routes([&guard])).await;
    guard.ready().await.expect("a place");
    let ready = async || asked(address, "GET /readyz").await.status;
    assert_eq!((ready().await, endpoint.asked()), (200, 0));
    endpoint.answer([Reply::Text(401, String::new())]);
    assert_eq!(verdict(&guard, "opaque").await, "unavailable");
    let cause = "introspection_unauthorized";
    for questions in 2..=4 {
        for _ in 0..3 {
            assert_eq!(ready().await, 503);
            eventually(|| endpoint.asked() == questions).await;
            eventually(|| issuer_of(&guard).fetches == u64::try_from(questions).expect("few"))
                .await;
            let unavailable = guard.ready().await.expect_err("nobody may ask");
            assert_eq!(unavailable.cause(), cause);
            assert_eq!(problems(&guard), down(cause));
        }
        assert_eq!(endpoint.asked(), questions, "once in five seconds");
        endpoint.clock().advance(TimeDelta::seconds(5));
    }
    // The secret is the right one now, and no request comes.
    endpoint.answer_with(r#"{"active":false}"#);
    assert_eq!(ready().await, 503);
    eventually(|| problems(&guard).is_empty()).await;
    assert_eq!(ready().await, 200);
    guard.ready().await.expect("an issuer that answers");
    assert_eq!(endpoint.asked(), 5);
    // What is asked about is nobody's token.
    let question = endpoint.questions().pop().expect("a question");
    assert_eq!(
        question.get("token"),
        Some("clearance-asks-whether-it-may-ask")
    );
}

/// A store that can be out of reach.
#[derive(Debug, Default)]
struct Board(AtomicBool);

impl RevocationStore for Board {
    fn publish<'a>(&'a self, _: &Revocation) -> Published<'a> {
        Box::pin(async { Ok(()) })
    }

    fn follow(&self, _: RevocationSink) {}

    fn is_current(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Without the store nobody is let in, unless that was said; and one is told so in either case.
#[tokio::test]
async fn a_store_that_is_not_current_is_told() {
    const BLIND: &str = "revocations of other machines: not current";
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    for goes_on in [false, true] {
        let board = Arc::new(Board::default());
        let builder = support::strict(&issuer, &clock).unlimited();
        let store: Arc<Board> = Arc::clone(&board);
        let builder = if goes_on {
            builder.revocation_store_or_go_on(store)
        } else {
            builder.revocation_store(store)
        };
        let guard = builder.build().expect("a guard");
        guard.ready().await.expect("keys");
        let token = issuer.token().mint();
        for is_current in [false, true, false] {
            board.0.store(is_current, Ordering::SeqCst);
            let health = guard.health();
            let seen = (health.revocations.is_current, health.revocations.goes_on);
            assert_eq!(seen, (is_current, goes_on));
            let is_open = is_current || goes_on;
            let expected = if is_open { vec![] } else { vec![BLIND] };
            assert_eq!(problems(&guard), expected);
            let problem = guard.health().problems().next();
            assert_eq!(problem, (!is_open).then_some(Problem::Revocations));
            let expected = if is_open { "ok" } else { "unavailable" };
            assert_eq!(verdict(&guard, &token).await, expected);
        }
    }
}

/// What was decided, remembered and revoked, in numbers.
#[tokio::test]
async fn what_happened_is_counted() {
    let (issuer, _, guard) = stage().await;
    guard.ready().await.expect("keys");
    assert_eq!(
        guard.health().decisions,
        clearance::audit::DecisionStats::default()
    );
    let good = issuer.token().scope("mcp:tools.read").mint();
    for _ in 0..3 {
        drop(ask::<ToolsRead>(&guard, &good).await.expect("a proof"));
    }
    for _ in 0..2 {
        ask::<FilesRead>(&guard, &good).await.expect_err("no scope");
    }
    let bad = issuer.token().wrong_signature().mint();
    ask::<()>(&guard, &bad).await.expect_err("a bad signature");
    let none = guard.authorize::<()>(&mut parts("/mcp", None)).await;
    none.expect_err("no token");
    let health = guard.health();
    assert_eq!(health.decisions.allowed, 3);
    let refused = [
        (ReasonCode::BadSignature, 1),
        (ReasonCode::InsufficientScope, 2),
        (ReasonCode::NoCredential, 1),
    ];
    assert_eq!(health.decisions.refused, refused);
    assert_eq!(health.decisions.ended, []);
    // The first time it was not known, nor was the bad one; who shows none looks for none.
    let cache = health.cache;
    assert_eq!((cache.tokens, cache.hits, cache.misses), (1, 4, 2));
    assert_eq!(cache, guard.cache_stats());

    let seen = |guard: &Guard<Fixture>| {
        let revocations = guard.health().revocations;
        (revocations.entries, revocations.taken)
    };
    assert_eq!(seen(&guard), (0, 0));
    let revocations = guard.revocations();
    for subject in ["rita", "rick"] {
        let revoked = revocations.revoke_subject(issuer.id(), &Subject::new(subject));
        revoked.expect("room");
    }
    assert_eq!(seen(&guard), (2, 2));
}

async fn served(routes: axum::Router) -> (SocketAddr, Held) {
    let (address, task) = support::spawn(routes).await;
    (address, task.into())
}

async fn asked(address: SocketAddr, start: &str) -> Answer {
    raw(address, &request::<&str>(start, &[])).await
}

#[track_caller]
fn assert_says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Over HTTP: alive, ready or not, and what is missing, of each guard.
#[tokio::test]
async fn routes_say_how_guards_are() {
    let (first, _, one) = stage().await;
    let (second, clock, other) = stage().await;
    second.jwks_fault(Fault::Status(500));
    let (address, _task) = served(health_routes([&one, &other])).await;
    let missing = |problems: &[(&Issuer, &str)]| {
        let problems = problems
            .iter()
            .map(|(issuer, cause)| format!("\"tokens of {issuer}: {cause}\""));
        let problems = problems.collect::<Vec<_>>().join(",");
        format!("{{\"ready\":false,\"problems\":[{problems}]}}")
    };
    assert_says(&asked(address, "GET /livez").await, 200, "{\"alive\":true}");
    let both = missing(&[(first.id(), "not_fetched"), (second.id(), "not_fetched")]);
    assert_says(&asked(address, "GET /readyz").await, 503, &both);
    // Who asks whether they are ready makes them ask their issuers, though no request comes.
    eventually(|| one.health().is_ready() && other.health().issuers[0].failures == 1).await;
    let second_only = missing(&[(second.id(), "unexpected_status")]);
    assert_says(&asked(address, "GET /readyz").await, 503, &second_only);
    assert_eq!(other.health().issuers[0].fetches, 1, "once in a cooldown");
    second.jwks_fault(Fault::None);
    clock.advance(TimeDelta::seconds(5));
    assert_says(&asked(address, "GET /readyz").await, 503, &second_only);
    eventually(|| other.health().is_ready()).await;
    assert_says(
        &asked(address, "GET /readyz").await,
        200,
        "{\"ready\":true}",
    );
    for path in ["/livez", "/readyz"] {
        for verb in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let answer = asked(address, &format!("{verb} {path}")).await;
            assert_eq!((answer.status, answer.body.as_str()), (405, ""), "{verb}");
        }
        let answer = asked(address, &format!("HEAD {path}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
    for path in ["/", "/health", "/readyz/"] {
        assert_eq!(asked(address, &format!("GET {path}")).await.status, 404);
    }
}

/// However often somebody looks, the issuers are asked again at one time, and one that does not answer holds
/// up no other.
#[tokio::test]
async fn who_looks_often_has_them_asked_once() {
    let clock = support::clock();
    let (silent, other) = (support::issuer(&clock).await, support::issuer(&clock).await);
    silent.fault(Fault::Hang);
    let builder = support::strict(&silent, &clock);
    let guard = builder.issuer(other.id().clone()).build().expect("a guard");
    let routes: axum::Router = health_routes([&guard]);
    let look = async || {
        let request = http::Request::get("/readyz").body(axum::body::Body::empty());
        let answer = routes.clone().oneshot(request.expect("a request")).await;
        assert_eq!(answer.expect("an answer").status(), 503);
    };
    look().await;
    eventually(|| guard.health().issuers[1].is_ready).await;
    assert!(!guard.health().issuers[0].is_ready);
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    for _ in 0..100 {
        look().await;
    }
    assert!(alive() <= before, "{} tasks, {before} before", alive());
}

/// RS-147: nothing that a request shows or that a guard holds is in what they say.
#[tokio::test]
async fn routes_tell_no_secret() {
    let endpoint = Endpoint::start().await;
    endpoint.answer([Reply::Text(401, endpoint::SECRET.to_owned())]);
    let guard = support::with_rules(endpoint.trusted(), endpoint.clock());
    let guard = guard.unlimited().build().expect("a guard");
    let token = "opaque-token-of-somebody";
    assert_eq!(verdict(&guard, token).await, "unavailable");
    let (address, _task) = served(health_routes([&guard])).await;
    for path in ["/livez", "/readyz"] {
        let start = format!("GET {path}?access_token={token}");
        let answer = raw(address, &request(&start, &[bearer(token)])).await;
        let all = format!("{answer:?} {:?}", guard.health());
        for secret in [token, endpoint::SECRET, "mcp-server"] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }
}
