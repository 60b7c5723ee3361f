//! Streams behind a layer, which end with their token.

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::Subject;
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use clearance::{AuthorizationLayer, Guard};
use serde_json::json;

use super::fixture::{Site, lines, of_alice, traced};
use crate::support::around::at;
use crate::support::client::{Stream, open};
use crate::support::request::{MODERN, Request};
use crate::support::{Fixture, plain};

const READ: &str = "files:read";

fn layer(guard: &Guard<Fixture>) -> AuthorizationLayer {
    let policy = plain::policy().method(SubscriptionsListen, any_valid_token());
    let builder = AuthorizationLayer::builder(guard, policy).seal_keys(plain::keys());
    builder
        .http_sse("/sse", "/messages")
        .build()
        .expect("a layer")
}

async fn site() -> Site {
    Site::with(|builder| builder, layer).await
}

impl Site {
    /// A token that dies in 65 seconds, leeway included.
    fn short(&self) -> String {
        let dies = self.world.clock.now() + TimeDelta::seconds(5);
        self.world
            .issuer
            .token()
            .scope(READ)
            .expires_at(dies)
            .mint()
    }

    async fn opened(&self, request: &Request) -> (crate::support::client::Connection, Stream) {
        let opened = open(self.address, &traced(request)).await;
        assert_eq!(opened.1.status(), 200);
        opened
    }
}

/// RS-149, RS-108: a stream that is cut is one event, which says how long it lived.
#[tokio::test]
async fn a_stream_that_dies_is_one_event() {
    let site = site().await;
    for call in ["tools/call export", "subscriptions/listen"] {
        let request = Request::new(MODERN, call).bearer(&site.short());
        let begun = site.world.clock.now();
        let (_connection, mut stream) = site.opened(&request).await;
        assert_eq!(lines(&site.take().await), [format!("allowed {call}")]);
        site.world.clock.advance(TimeDelta::seconds(65));
        assert_eq!(stream.rest().await, b"");
        let event = site.kept.only(&site.world.guard).await;
        let (method, target) = call.split_once(' ').unwrap_or((call, ""));
        let at = begun + TimeDelta::seconds(65);
        let mut expected = of_alice(
            &site.world.issuer,
            READ,
            &json!({
                "at": at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
                "decision": "ended",
                "reason": "expired",
                "method": method,
                "duration_us": 65_000_000,
            }),
        );
        if !target.is_empty() {
            expected["target"] = target.into();
        }
        assert_eq!(event, expected);
    }
}

/// RS-149: and so is one whose token is revoked. One that comes to its own end is none.
#[tokio::test]
async fn a_revoked_stream_is_one_event() {
    let site = site().await;
    let request = Request::new(MODERN, "tools/call export").bearer(&site.token(READ));
    let (_first, mut done) = site.opened(&request).await;
    drop(site.service.feeds());
    assert_eq!(done.rest().await, b"");
    let (_second, mut cut) = site.opened(&request).await;
    let (alice, issuer) = (Subject::new("alice"), site.world.issuer.id());
    let revocations = site.world.guard.revocations();
    revocations.revoke_subject(issuer, &alice).expect("room");
    assert_eq!(cut.rest().await, b"");
    let expected = [
        "allowed tools/call export",
        "allowed tools/call export",
        "ended revoked tools/call export",
    ];
    assert_eq!(lines(&site.take().await), expected);
}

/// RS-149: a stream that its token outlives before it has begun is refused, and written down as that
/// alone.
#[tokio::test]
async fn a_stream_that_dies_before_it_begins_is_one_event() {
    let site = site().await;
    let mut listens = Request::new("2025-03-26", "GET").bearer(&site.short());
    listens = at("/sse", listens).with("accept", "text/event-stream");
    // It says nothing yet.
    site.service.greet(Vec::<&str>::new());
    let sends = site.send(&listens);
    let dies = async {
        crate::support::http::eventually(|| site.service.opened() > 0).await;
        site.world.clock.advance(TimeDelta::seconds(65));
    };
    let (answer, ()) = tokio::join!(sends, dies);
    assert_eq!(answer.status, 401);
    let expected = ["allowed GET", "refused expired GET"];
    assert_eq!(lines(&site.take().await), expected);
}
