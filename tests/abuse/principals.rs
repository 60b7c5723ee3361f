//! Principals: genuine tokens that ask for more than they grant, or for what is somebody else's.

use chrono::TimeDelta;
use clearance::limit::{Offence, Peers, Quota};
use serde_json::Value;

use super::support::client::send;
use super::support::request::Request;
use super::support::service::{LEGACY, Service, usual};
use super::support::{FilesRead, Held, ToolsRead, spawn};
use super::{HOME, Stage, stage, stage_with, verdict};

const READS: &str = "mcp:tools.read";

impl Stage {
    /// Asks for what a token that reads tools does not grant.
    async fn probe(&self, token: &str) -> String {
        verdict(self.ask::<FilesRead>(HOME, token).await)
    }
}

/// Thirty at once are told what they lack. After that it is 429; what the token grants goes on, and so does
/// everybody else.
#[tokio::test]
async fn who_probes_for_scopes_has_to_wait() {
    let stage = stage().await;
    let probing = stage.token("u1").scope(READS).mint();
    for _ in 0..30 {
        assert_eq!(stage.probe(&probing).await, "insufficient_scope");
    }
    assert_eq!(stage.guard.health().penalties.total, 0);
    assert_eq!(stage.probe(&probing).await, "wait 1");
    let refusal = stage
        .ask::<FilesRead>(HOME, &probing)
        .await
        .expect_err("a wait");
    assert_eq!(
        (refusal.status(), refusal.retry_after()),
        (http::StatusCode::TOO_MANY_REQUESTS, Some(1))
    );
    let policy = refusal.rate_limit_policy().expect("a policy");
    assert_eq!(policy, r#""penalty";q=30;w=60"#);
    assert!(refusal.challenge().is_none());

    assert_eq!(verdict(stage.ask::<ToolsRead>(HOME, &probing).await), "ok");
    let again = stage.token("u1").scope(READS).mint();
    assert_eq!(
        stage.probe(&again).await,
        "wait 1",
        "it is the principal's, not the token's"
    );
    for other in [
        stage.token("u2").scope(READS).mint(),
        stage.token("u1").client("client-2").scope(READS).mint(),
    ] {
        assert_eq!(stage.probe(&other).await, "insufficient_scope");
    }
    let penalties = stage.guard.health().penalties;
    assert_eq!((penalties.principals, penalties.peers), (1, 0));
    assert_eq!(penalties.latest[0].reason, Offence::ScopeProbing);

    stage.clock.advance(TimeDelta::milliseconds(250));
    assert_eq!(stage.probe(&probing).await, "wait 0.75");
    // The budget is still used up, so the next one is twice as long.
    stage.clock.advance(TimeDelta::milliseconds(750));
    assert_eq!(stage.probe(&probing).await, "wait 2");
    stage.pass(10);
    assert_eq!(stage.probe(&probing).await, "insufficient_scope");
}

/// Who asks its user for more now and then is no offender, nor is one whose client needs many scopes at once.
#[tokio::test]
async fn stepping_up_is_everyday_life() {
    let stage = stage().await;
    for hour in 0..10 {
        for _ in 0..20 {
            let few = stage.token("u1").scope(READS).mint();
            assert_eq!(stage.probe(&few).await, "insufficient_scope");
        }
        let more = stage.token("u1").scope("mcp:tools.read files:read").mint();
        assert_eq!(stage.probe(&more).await, "ok");
        stage.pass(3_600);
        let idle = stage.guard.health().penalties;
        assert_eq!(idle.total, 0, "{hour}");
    }
    let few = stage.token("u1").scope(READS).mint();
    for _ in 0..500 {
        assert_eq!(stage.probe(&few).await, "insufficient_scope");
        stage.pass(2);
    }
    assert_eq!(stage.guard.health().penalties.total, 0);
}

/// The budget is the operator's.
#[tokio::test]
async fn the_budget_is_chosen() {
    let few = |builder: clearance::GuardBuilder<_, _>| builder.refusal_budget(Quota::per_hour(2));
    let stage = stage_with(Peers::of_connections(), few).await;
    let token = stage.token("u1").scope(READS).mint();
    let mut verdicts = Vec::new();
    for _ in 0..3 {
        verdicts.push(stage.probe(&token).await);
    }
    assert_eq!(
        verdicts,
        ["insufficient_scope", "insufficient_scope", "wait 1"]
    );
}

/// Who guesses sessions has to wait, and is told the same of those that are somebody's and those that are
/// nobody's. Its own sessions go on, and one that is over is told to be over.
#[tokio::test]
async fn who_guesses_sessions_has_to_wait() {
    let stage = stage().await;
    let service = Service::default().router().layer(usual(&stage.guard));
    let (address, task) = spawn(service).await;
    let _held = Held::from(task);
    let of = |call: &str, subject: &str| {
        let token = stage.token(subject).scope(READS).mint();
        Request::new(LEGACY, call).bearer(&token)
    };
    let begin = async |subject: &str| {
        let answer = send(address, &of("initialize", subject)).await;
        answer
            .header("mcp-session-id")
            .expect("a session")
            .to_owned()
    };
    let (own, over, foreign) = (begin("u1").await, begin("u1").await, begin("u2").await);
    let ask = async |call: &str, session: &str| {
        let request = of(call, "u1").with("mcp-session-id", session);
        let answer = send(address, &request).await;
        let wait = answer.header("retry-after").map(str::to_owned);
        (answer.status, wait)
    };
    assert_eq!(ask("DELETE", &over).await, (204, None));
    for _ in 0..50 {
        assert_eq!(ask("ping", &over).await, (404, None));
    }
    for guess in 0..15 {
        assert_eq!(ask("ping", &foreign).await, (404, None), "{guess}");
        assert_eq!(
            ask("GET", &format!("inner-1.{guess}")).await,
            (404, None),
            "{guess}"
        );
    }
    let wait = (429, Some("1".to_owned()));
    assert_eq!(ask("ping", &foreign).await, wait);
    assert_eq!(ask("DELETE", "inner-1").await, wait);
    assert_eq!(ask("ping", &own).await, (200, None));
    assert_eq!(ask("ping", &over).await, (404, None));
    let penalties = stage.guard.health().penalties;
    assert_eq!(penalties.latest[0].reason, Offence::SessionGuessing);
    let body = send(address, &of("ping", "u1").with("mcp-session-id", &foreign))
        .await
        .body;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["error"]["data"]["rateLimit"]["policy"], "penalty");
}
