//! An issuer whose keys cannot be had.

use chrono::TimeDelta;
use clearance::testing::Fault;

use super::site::{Site, T0, WEATHER, assert_plain, assert_ran};
use crate::support::Answer;
use crate::support::mcp::REVISIONS;
use crate::support::request::{MODERN, Request};

/// `503`: nobody's fault, and said when to come back.
#[track_caller]
fn assert_503(answer: &Answer) {
    assert_plain(answer, 503, 50300, "temporarily unavailable");
    let wait = answer.header("retry-after").expect("Retry-After");
    let wait: u64 = wait.parse().expect("whole seconds");
    assert!((1..=60).contains(&wait), "{wait}");
}

/// RS-005: as long as the keys of the issuer cannot be had, however it fails, nobody is let in, nobody
/// is refused for good, and who shows no token at all is told that.
#[tokio::test]
async fn without_keys_a_request_is_503() {
    for fault in [
        Fault::Status(500),
        Fault::Status(404),
        Fault::Disconnect,
        Fault::Garbage,
        Fault::Body("{}".to_owned()),
        Fault::Truncated,
    ] {
        let server = Site::new().cold().serve().await;
        server.issuer.fault(fault.clone());
        for revision in REVISIONS {
            for call in [WEATHER, "tools/list", "notifications/cancelled", "GET"] {
                let request = Request::new(revision, call);
                let answer = server
                    .send(&request.clone().bearer(&server.token(T0)))
                    .await;
                assert_503(&answer);
                server.send(&request).await.assert_401_none();
                let none = request.clone().bearer("abc.def.ghi");
                server.send(&none).await.assert_401_inv();
                let blank = request.bearer("a b");
                server.send(&blank).await.assert_400_req();
            }
        }
        assert_ran(&server, &[]);
        // It is not held against anybody later.
        server.issuer.fault(Fault::None);
        server.clock.advance(TimeDelta::seconds(60));
        server.call(MODERN, WEATHER, T0).await.assert_ok();
        assert_ran(&server, &[WEATHER]);
    }
}

/// RS-005: keys that are known serve for an hour after the last fetch, and no longer.
#[tokio::test]
async fn known_keys_serve_for_a_while() {
    let server = Site::new().serve().await;
    server.issuer.fault(Fault::Status(500));
    for (minutes, is_served) in [(0, true), (30, true), (29, true), (2, false), (600, false)] {
        server.clock.advance(TimeDelta::minutes(minutes));
        for revision in REVISIONS {
            let answer = server.call(revision, WEATHER, T0).await;
            if is_served {
                answer.assert_ok();
                assert_ran(&server, &[WEATHER]);
            } else {
                assert_503(&answer);
                assert_ran(&server, &[]);
            }
        }
    }
    server.issuer.fault(Fault::None);
    server.clock.advance(TimeDelta::seconds(60));
    server.call(MODERN, WEATHER, T0).await.assert_ok();
}
