//! Who waits for an answer, and for how long.

use std::time::Duration;

use chrono::TimeDelta;
use clearance::{ConfigError, TrustedIssuer};
use serde_json::json;
use tokio::task::JoinSet;

use crate::endpoint::{Endpoint, Reply};
use crate::support;
use crate::support::http::{eventually, verdict};
use crate::{TOKEN, guard, guard_with};

/// For questions that shall fail by time.
const SHORT: Duration = Duration::from_millis(300);

/// What many requests want to know at one moment is asked once, and who goes away ends nothing.
#[tokio::test]
async fn one_question_serves_all_who_wait() {
    let endpoint = Endpoint::start().await;
    let guard = guard(&endpoint);
    guard.ready().await.expect("a place");
    endpoint.answer([Reply::Late(endpoint.but(&json!({})))]);
    let first = tokio::spawn({
        let guard = guard.clone();
        async move { verdict(&guard, TOKEN).await }
    });
    eventually(|| endpoint.asked() == 1).await;
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let guard = guard.clone();
        waiting.spawn(async move { verdict(&guard, TOKEN).await });
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.expect_err("it went away").is_cancelled());
    endpoint.let_through(1);
    while let Some(verdict) = waiting.join_next().await {
        assert_eq!(verdict.expect("a verdict"), "ok");
    }
    assert_eq!(endpoint.asked(), 1);
}

/// A flood of tokens reaches the issuer in a narrow stream, and the others wait no longer than a
/// question may take.
#[tokio::test]
async fn a_flood_is_not_passed_on_at_once() {
    let endpoint = Endpoint::start().await;
    let limit = |rules: TrustedIssuer| rules.fetch_time_limit(Duration::from_secs(2));
    let guard = guard_with(&endpoint, limit, |builder| builder);
    guard.ready().await.expect("a place");
    endpoint.answer([Reply::Late("{\"active\":false}".to_owned())]);
    let mut waiting = JoinSet::new();
    for number in 0..1500 {
        let guard = guard.clone();
        waiting.spawn(async move { verdict(&guard, &format!("token-{number}")).await });
    }
    eventually(|| endpoint.asked() == 64).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(endpoint.asked(), 64);
    endpoint.let_through(64);
    eventually(|| endpoint.asked() == 128).await;
    let (mut inactive, mut unavailable) = (0, 0);
    while let Some(verdict) = waiting.join_next().await {
        match verdict.expect("a verdict") {
            "inactive" => inactive += 1,
            "unavailable" => unavailable += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((inactive, unavailable), (64, 1436));
    // Nothing of that stays: whoever comes then is answered.
    endpoint.answer_with("{\"active\":false}");
    for number in 0..200 {
        assert_eq!(
            verdict(&guard, &format!("later-{number}")).await,
            "inactive"
        );
    }
}

/// Strangers who keep the issuer busy do not lock out who was let in before.
#[tokio::test]
async fn a_flood_takes_nobodys_turn_who_was_let_in() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let guard = guard_with(
        &endpoint,
        |rules| rules.fetch_time_limit(Duration::from_secs(30)),
        |builder| builder,
    );
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    endpoint.answer([Reply::Late("{\"active\":false}".to_owned())]);
    let mut strangers = JoinSet::new();
    for number in 0..2000 {
        let guard = guard.clone();
        strangers.spawn(async move { verdict(&guard, &format!("token-{number}")).await });
    }
    eventually(|| endpoint.asked() == 65).await;
    // What is known of the token is too old, and its issuer has to be asked again.
    endpoint.clock().advance(TimeDelta::minutes(2));
    endpoint.answer_with(endpoint.but(&json!({})));
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    assert_eq!(endpoint.asked(), 66);
}

/// Metadata that is never answered keeps nobody from an endpoint that is known.
#[tokio::test]
async fn metadata_that_hangs_stops_nothing() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with("{\"active\":false}");
    let guard = guard_with(&endpoint, |rules| rules.fetch_time_limit(SHORT), |b| b);
    guard.ready().await.expect("a place");
    endpoint.publish_nothing_ever();
    for hours in 1..4 {
        endpoint.clock().advance(TimeDelta::hours(1));
        assert_eq!(verdict(&guard, TOKEN).await, "inactive");
        assert_eq!(endpoint.asked(), hours);
    }
    // Whoever does not know it yet gives up in time, and asks again.
    let cold = guard_with(&endpoint, |rules| rules.fetch_time_limit(SHORT), |b| b);
    assert_eq!(verdict(&cold, TOKEN).await, "unavailable");
    endpoint.publish(&format!("{}/introspect", endpoint.issuer()));
    endpoint.clock().advance(TimeDelta::seconds(5));
    eventually_ready(&cold).await;
    assert_eq!(verdict(&cold, TOKEN).await, "inactive");
}

/// What is on its way must not depend on who began to wait for it.
#[tokio::test]
async fn a_future_that_nobody_polls_holds_nothing() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with("{\"active\":false}");
    let guard = guard(&endpoint);
    let mut ready = std::pin::pin!(guard.ready());
    let raw = || clearance::secret::BearerToken::from_bytes(b"x").expect("a token");
    let mut begun = Vec::new();
    for _ in 0..65 {
        let asked = guard.introspect(clearance::token::Token::opaque(raw()));
        let mut asked = Box::pin(asked);
        poll_once(asked.as_mut()).await;
        begun.push(asked);
    }
    poll_once(ready.as_mut()).await;
    assert_eq!(verdict(&guard, TOKEN).await, "inactive");
}

async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) {
    std::future::poll_fn(|cx| {
        drop(future.as_mut().poll(cx));
        std::task::Poll::Ready(())
    })
    .await;
}

async fn eventually_ready(guard: &clearance::Guard<support::Fixture>) {
    let wait = async { while guard.ready().await.is_err() {} };
    let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
    waited.expect("ready");
}

/// A question belongs to a runtime, and without one nobody can be asked: 503, and no panic.
#[test]
fn without_a_runtime_nobody_is_asked() {
    let (runtime, endpoint) = {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let endpoint = runtime.block_on(Endpoint::start());
        (runtime, endpoint)
    };
    let guard = guard(&endpoint);
    let mut asked = Box::pin(verdict(&guard, TOKEN));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = asked.as_mut().poll(&mut cx);
    assert_eq!(polled, std::task::Poll::Ready("unavailable"));
    let mut ready = Box::pin(guard.ready());
    let polled = ready.as_mut().poll(&mut cx);
    assert!(matches!(polled, std::task::Poll::Ready(Err(_))));
    endpoint.answer_with("{\"active\":false}");
    assert_eq!(runtime.block_on(verdict(&guard, TOKEN)), "inactive");
}

/// RS-077: what is asked goes to the endpoint, and to no place that it names.
#[tokio::test]
async fn a_redirect_takes_no_token_along() {
    let endpoint = Endpoint::start().await;
    let other = Endpoint::start().await;
    other.answer_with(endpoint.but(&json!({})));
    let guard = guard(&endpoint);
    endpoint.answer([Reply::RedirectTo(format!("{}/introspect", other.issuer()))]);
    assert_eq!(verdict(&guard, TOKEN).await, "unavailable");
    assert_eq!(other.asked(), 0);
    // Not even within one origin does the answer of another place count.
    let elsewhere = format!("{}/elsewhere", endpoint.issuer());
    let right = Reply::Text(200, endpoint.but(&json!({})));
    endpoint.answer([Reply::RedirectTo(elsewhere), right]);
    assert_eq!(verdict(&guard, TOKEN).await, "unavailable");
    // A client that may follow any redirect is not taken at all.
    let rules = endpoint.trusted().http_client(reqwest::Client::new());
    let error = support::with_rules(rules, endpoint.clock()).build();
    let expected = ConfigError::IntrospectionClient(endpoint.issuer());
    assert_eq!(error.map(drop).expect_err("refused"), expected);
}
