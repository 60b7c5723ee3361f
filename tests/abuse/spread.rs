//! One token from many networks.

use clearance::limit::Peers;
use clearance::refusal::Reason;

use super::support::Logs;
use super::{Stage, stage, stage_with};

impl Stage {
    /// Shows a token from so many addresses, and says from how many it was served.
    async fn served(&self, token: &str, addresses: usize) -> usize {
        let mut served = 0;
        for address in 1..=addresses {
            let verdict = self.verdict(&format!("203.0.113.{address}"), token).await;
            served += usize::from(verdict == "ok");
        }
        served
    }
}

/// It is reported once a minute, and nobody is refused for it.
#[tokio::test]
async fn a_token_from_many_networks_is_reported() {
    let stage = stage().await;
    let token = stage.token("u1").mint();
    let logs = Logs::capture();
    let reports = || {
        let text = logs.text();
        let lines = text
            .lines()
            .filter(|line| line.contains("one token from many networks"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(stage.served(&token, 8).await, 8);
    assert_eq!(reports(), [""; 0]);
    assert_eq!(stage.served(&token, 100).await, 100);
    let [line] = &reports()[..] else {
        panic!("not one report: {:?}", reports());
    };
    let issuer = format!("issuer={}", stage.issuer.id());
    for part in [
        " WARN clearance",
        &issuer,
        r#"client="client-1""#,
        "networks=9",
        "is_refused=false",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("u1") && !line.contains(&token), "{line}");
    stage.pass(59);
    assert_eq!(stage.served(&token, 20).await, 20);
    assert_eq!(reports().len(), 1);
    stage.pass(1);
    assert_eq!(stage.served(&token, 20).await, 20);
    assert_eq!(reports().len(), 2);
    assert_eq!(stage.guard.health().penalties.spread_tokens, 2);
    // Many tokens from one network each, or one from a few, are nothing.
    for _ in 0..50 {
        assert_eq!(stage.served(&stage.token("u1").mint(), 2).await, 2);
    }
    assert_eq!(reports().len(), 2);
}

/// Where it is configured, those that come late are refused until the minute is over.
#[tokio::test]
async fn a_token_from_too_many_networks_is_refused_where_that_is_said() {
    let peers = Peers::of_connections().refuse_tokens_from_more_than(3);
    let stage = stage_with(peers.report_tokens_from_more_than(3), |builder| builder).await;
    let (token, other) = (stage.token("u1").mint(), stage.token("u2").mint());
    assert_eq!(stage.served(&token, 10).await, 3);
    stage.pass(20);
    let refusal = stage
        .ask::<()>("203.0.113.4", &token)
        .await
        .expect_err("too many");
    assert_eq!(
        (refusal.status(), refusal.retry_after()),
        (http::StatusCode::TOO_MANY_REQUESTS, Some(40))
    );
    assert_eq!(
        refusal.rate_limit_policy().expect("a policy"),
        r#""networks";q=3;w=60"#
    );
    assert!(matches!(refusal.reason(), Reason::LimitExceeded(_)));
    assert_eq!(stage.served(&token, 3).await, 3);
    assert_eq!(stage.served(&other, 3).await, 3, "another token");
    stage.pass(40);
    assert_eq!(stage.verdict("203.0.113.4", &token).await, "ok");
    assert_eq!(stage.guard.health().penalties.total, 0);
}

/// A network of IPv6 is one, and a phone that changes networks now and then is not many.
#[tokio::test]
async fn moving_about_is_everyday_life() {
    let peers = Peers::of_connections().refuse_tokens_from_more_than(2);
    let stage = stage_with(peers, |builder| builder).await;
    let token = stage.token("u1").mint();
    for host in 1..50 {
        assert_eq!(
            stage.verdict(&format!("2001:db8::{host}"), &token).await,
            "ok"
        );
    }
    for minute in 1..50 {
        stage.pass(30);
        assert_eq!(
            stage.verdict(&format!("203.0.113.{minute}"), &token).await,
            "ok"
        );
    }
}
