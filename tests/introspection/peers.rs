//! Opaque tokens from the addresses of those who fail.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;
use clearance::limit::Peers;
use clearance::refusal::Reason;
use clearance::{Guard, PeerInfo};
use serde_json::json;

use crate::endpoint::Endpoint;
use crate::guard_with;
use crate::support::Fixture;
use crate::support::http::parts_with;

async fn verdict(guard: &Guard<Fixture>, token: &str) -> String {
    let mut parts = parts_with(token);
    let address = SocketAddr::from(([192, 0, 2, 1], 50_000));
    parts.extensions.insert(PeerInfo::tls(address));
    let Err(refusal) = guard.authorize::<()>(&mut parts).await else {
        return "ok".to_owned();
    };
    if let Reason::LimitExceeded(wait) = refusal.reason() {
        return format!("wait {}", wait.wait().as_secs());
    }
    refusal.reason().code().as_str().to_owned()
}

/// Nobody can tell an expired opaque token from one that is made up, so it is no failure. Where an address
/// has a penalty for other failures, its issuer is asked about a new one after a wait, and not before.
#[tokio::test]
async fn an_issuer_is_asked_after_the_wait() {
    let endpoint = Endpoint::start().await;
    let guard = guard_with(
        &endpoint,
        |rules| rules,
        |builder| builder.peers(Peers::of_connections()),
    );
    endpoint.answer_with(r#"{"active":false}"#);
    for token in 0..30 {
        assert_eq!(
            verdict(&guard, &format!("opaque-{token}")).await,
            "inactive"
        );
        endpoint.clock().advance(TimeDelta::seconds(1));
    }
    assert_eq!(guard.health().penalties.failures, 0);
    endpoint.answer_with(endpoint.but(&json!({})));
    assert_eq!(verdict(&guard, "known").await, "ok");
    while guard.health().penalties.total == 0 {
        assert_eq!(verdict(&guard, "{}").await, "malformed_credential");
    }
    let asked = endpoint.questions().len();
    assert_eq!(verdict(&guard, "known").await, "ok");
    assert_eq!(verdict(&guard, "fresh").await, "wait 1");
    assert_eq!(endpoint.questions().len(), asked);
    endpoint.clock().advance(TimeDelta::seconds(1));
    assert_eq!(verdict(&guard, "fresh").await, "ok");
    assert_eq!(endpoint.questions().len(), asked + 1);
    assert_eq!(guard.health().penalties.latest[0].left, Duration::ZERO);
}
