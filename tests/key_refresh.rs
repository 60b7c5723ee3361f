//! When keys are fetched again: how long a set serves, how a rotation is followed, how often an
//! issuer is asked, and that issuers have nothing to do with one another.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_assert_message,
    clippy::panic,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use chrono::TimeDelta;
use clearance::jwk::Algorithm;
use clearance::testing::{Fault, Issuer};
use clearance::{ConfigError, TrustedIssuer};
use serde_json::{Value, json};
use support::http::{bearer, eventually, parts_with, request};
use support::tokens::t0;
use support::{Answer, Server, ToolsRead};

/// For fetches that shall fail by time.
const SHORT: Duration = Duration::from_millis(300);

/// The longest time that keys may serve while their issuer is down.
const DAY: Duration = Duration::from_hours(24);

/// How the table of lifetimes counts.
const MOMENT: TimeDelta = TimeDelta::milliseconds(1);

/// A key set whose head the test chooses.
#[derive(Clone, Default)]
struct Keys(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    document: String,
    headers: HeaderMap,
    is_down: bool,
    hits: u64,
}

impl Keys {
    fn publish(&self, document: String) {
        self.0.lock().expect("the state").document = document;
    }

    fn say(&self, name: &'static str, value: &str) {
        let value = value.parse().expect("a value");
        self.0
            .lock()
            .expect("the state")
            .headers
            .insert(name, value);
    }

    fn fail(&self, is_down: bool) {
        self.0.lock().expect("the state").is_down = is_down;
    }

    fn hits(&self) -> u64 {
        self.0.lock().expect("the state").hits
    }

    fn answer(&self) -> (StatusCode, HeaderMap, String) {
        let mut state = self.0.lock().expect("the state");
        state.hits += 1;
        let status = if state.is_down {
            StatusCode::BAD_GATEWAY
        } else {
            StatusCode::OK
        };
        (status, state.headers.clone(), state.document.clone())
    }
}

/// A server whose issuer's keys are at a place of their own.
struct Site {
    server: Server,
    keys: Keys,
    _task: support::Held,
}

impl Site {
    async fn cold(change: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Self {
        let clock = support::clock();
        let issuer = support::issuer(&clock).await;
        let keys = Keys::default();
        keys.publish(issuer.jwks());
        let asked = keys.clone();
        let router = Router::new().fallback(async move || asked.answer());
        let (address, task) = support::spawn(router).await;
        let rules =
            TrustedIssuer::with_jwks_uri(issuer.id().clone(), format!("http://{address}/jwks"));
        let guard = support::with_rules(change(rules), &clock)
            .unlimited()
            .build()
            .expect("a guard");
        let server = support::serve(issuer, clock, guard).await;
        Self {
            server,
            keys,
            _task: task.into(),
        }
    }

    async fn warm(change: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Self {
        let site = Self::cold(change).await;
        site.server.app.guard.ready().await.expect("keys");
        site
    }

    /// Takes the key away and publishes another one, and gives the name of the old one.
    fn rotate(&self) -> String {
        let issuer = &self.server.issuer;
        let old = issuer.kid(Algorithm::ES256).expect("a key");
        issuer.rotate(Algorithm::ES256);
        self.keys.publish(issuer.jwks());
        old
    }

    async fn get_by(&self, kid: &str) -> Answer {
        let token = t0(&self.server.issuer).signed_with_kid(kid).mint();
        self.server.get("/mcp", &token).await
    }

    async fn get(&self) -> Answer {
        let token = t0(&self.server.issuer).mint();
        self.server.get("/mcp", &token).await
    }

    async fn get_by_unknown(&self) -> Answer {
        let token = t0(&self.server.issuer).unknown_key().mint();
        self.server.get("/mcp", &token).await
    }

    fn advance(&self, by: TimeDelta) {
        self.server.clock.advance(by);
    }
}

#[track_caller]
fn assert_503(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), None);
    let wait = answer.header("retry-after").expect("Retry-After");
    assert!((1..=5).contains(&wait.parse().unwrap_or(0)), "{wait}");
}

/// What the key set's answer may say, and how many seconds it serves then.
const LIFETIMES: [(&str, i64); 7] = [
    ("", 600),
    ("max-age=300", 300),
    ("public, Max-Age=\"1200\"", 1_200),
    ("max-age=86400", 3_600),
    ("max-age=5", 60),
    ("no-cache", 60),
    ("max-age=3600, no-store", 60),
];

/// RS-084: a key that left the set stops verifying when the lifetime of the set is over, which is what
/// its answer says within bounds; nobody is asked before.
#[tokio::test]
async fn a_removed_key_verifies_no_longer_than_the_set_lives() {
    for (said, lifetime) in LIFETIMES {
        let site = Site::cold(|rules| rules.stale_keys_limit(DAY)).await;
        site.keys.say("cache-control", said);
        site.server.app.guard.ready().await.expect("keys");
        let old = site.rotate();
        // Before renewal begins nobody is asked.
        site.advance(TimeDelta::seconds(lifetime * 3 / 4) - MOMENT);
        site.get_by(&old).await.assert_ok();
        assert_eq!(site.keys.hits(), 1, "{said}");
        site.advance(TimeDelta::seconds(lifetime / 4) + MOMENT + MOMENT);
        site.get_by(&old).await.assert_401_inv();
        assert_eq!(site.keys.hits(), 2, "{said}");
        site.get().await.assert_ok();
        assert_eq!(site.server.ran(), 2, "{said}");
    }
}

/// Between 75 and 85 percent of the lifetime a set is renewed while requests go on.
#[tokio::test]
async fn renewal_begins_ahead_of_the_end() {
    for (said, lifetime) in LIFETIMES {
        let site = Site::cold(|rules| rules.stale_keys_limit(DAY)).await;
        site.keys.say("cache-control", said);
        site.server.app.guard.ready().await.expect("keys");
        let old = site.rotate();
        site.advance(TimeDelta::seconds(lifetime * 17 / 20) + MOMENT);
        // This one is served from what is there, and makes the guard ask.
        site.get_by(&old).await.assert_ok();
        eventually(|| site.keys.hits() == 2).await;
        // A token of the new key waits for the fetch that runs, if it still does.
        site.get().await.assert_ok();
        site.get_by(&old).await.assert_401_inv();
        assert_eq!(site.keys.hits(), 2, "{said}");
    }
}

/// RS-084: another key under the same name is another key.
#[tokio::test]
async fn a_name_that_means_another_key_verifies_no_old_token() {
    let site = Site::cold(|rules| rules).await;
    let issuer = &site.server.issuer;
    let old = issuer.kid(Algorithm::ES256).expect("a key");
    let new = issuer.add_key(Algorithm::ES256);
    let named = |kid: &str| {
        let mut key = issuer.public_jwk(kid).expect("a key");
        key["kid"] = json!("k");
        json!({ "keys": [key] }).to_string()
    };
    let by = |kid: &str| t0(issuer).signed_with_kid(kid).header("kid", "k").mint();
    site.keys.publish(named(&old));
    site.server.get("/mcp", &by(&old)).await.assert_ok();
    site.server.get("/mcp", &by(&new)).await.assert_401_inv();
    site.keys.publish(named(&new));
    site.advance(TimeDelta::minutes(10) + MOMENT);
    site.server.get("/mcp", &by(&old)).await.assert_401_inv();
    site.server.get("/mcp", &by(&new)).await.assert_ok();
    assert_eq!(site.keys.hits(), 2);
}

/// RS-083: a thousand tokens with keys that nobody knows cost one request to the issuer at most, and
/// the time until the next grows while they go on.
#[tokio::test]
async fn unknown_keys_are_asked_for_less_and_less() {
    let site = Site::warm(|rules| rules).await;
    let tokens: Vec<_> = (0..1_000)
        .map(|number| t0(&site.server.issuer).header("kid", format!("none-{number}")))
        .map(|token| request("GET /mcp", &[bearer(&token.mint())]))
        .collect();
    let flood = async || {
        let mut tasks = tokio::task::JoinSet::new();
        for token in &tokens {
            tasks.spawn(support::http::raw_owned(site.server.address, token.clone()));
            // As many at once as a machine has room for.
            while tasks.len() >= 100 {
                let answer = tasks.join_next().await.expect("a task");
                answer.expect("an answer").assert_401_inv();
            }
        }
        for answer in tasks.join_all().await {
            answer.assert_401_inv();
        }
    };
    flood().await;
    assert_eq!(site.keys.hits(), 1, "in the cool-down of the first fetch");
    site.advance(TimeDelta::seconds(5));
    flood().await;
    assert_eq!(site.keys.hits(), 2);
    for (pause, hits) in [(10, 3), (20, 4), (30, 5), (30, 6)] {
        site.advance(TimeDelta::seconds(pause) - MOMENT);
        site.get_by_unknown().await.assert_401_inv();
        assert_eq!(site.keys.hits(), hits - 1, "before {pause} seconds");
        site.advance(MOMENT);
        site.get_by_unknown().await.assert_401_inv();
        assert_eq!(site.keys.hits(), hits, "after {pause} seconds");
    }
    // A minute without one, and a rotation is followed within seconds again.
    site.advance(TimeDelta::minutes(1));
    site.get_by_unknown().await.assert_401_inv();
    assert_eq!(site.keys.hits(), 7);
    site.rotate();
    site.advance(TimeDelta::seconds(10) - MOMENT);
    site.get().await.assert_401_inv();
    assert_eq!(site.keys.hits(), 7);
    site.advance(MOMENT);
    site.get().await.assert_ok();
    assert_eq!(site.keys.hits(), 8);
    assert_eq!(site.server.ran(), 1);
}

/// RS-083, RS-005: while the last fetch failed, a token whose key is unknown is answered with 503, and
/// the issuer is asked as often as ever: it may be back.
#[tokio::test]
async fn unknown_keys_are_no_fault_while_the_issuer_is_down() {
    let site = Site::warm(|rules| rules).await;
    for pause in [5, 10, 20] {
        site.advance(TimeDelta::seconds(pause));
        site.get_by_unknown().await.assert_401_inv();
    }
    assert_eq!(site.keys.hits(), 4);
    site.keys.fail(true);
    site.advance(TimeDelta::seconds(30));
    for hits in 5..8 {
        assert_503(&site.get_by_unknown().await);
        assert_503(&site.get_by_unknown().await);
        assert_eq!(site.keys.hits(), hits);
        site.get().await.assert_ok();
        site.advance(TimeDelta::seconds(5));
    }
    site.keys.fail(false);
    site.get_by_unknown().await.assert_401_inv();
    assert_eq!(site.keys.hits(), 8);
}

/// RS-005: keys serve while their issuer is down for as long as was chosen, and then no request is let
/// in or told that its token is bad.
#[tokio::test]
async fn how_long_old_keys_serve_can_be_chosen() {
    for minutes in [1, 3, 60, 24 * 60] {
        let limit = Duration::from_mins(minutes);
        let site = Site::warm(|rules| rules.stale_keys_limit(limit)).await;
        site.keys.fail(true);
        site.advance(TimeDelta::from_std(limit).expect("a limit"));
        site.get().await.assert_ok();
        site.advance(MOMENT);
        assert_503(&site.get().await);
        assert_503(&site.get_by_unknown().await);
        assert_eq!(site.server.ran(), 1, "{limit:?}");
        site.keys.fail(false);
        site.advance(TimeDelta::seconds(5));
        site.get().await.assert_ok();
    }
    // Also a set that says that it lives longer.
    let site = Site::cold(|rules| rules.stale_keys_limit(Duration::from_mins(3))).await;
    site.keys.say("cache-control", "max-age=3600");
    site.get().await.assert_ok();
    site.keys.fail(true);
    site.advance(TimeDelta::minutes(3) + MOMENT);
    assert_503(&site.get().await);
}

#[tokio::test]
async fn the_limit_on_old_keys_has_bounds() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let with = |limit| {
        let rules = TrustedIssuer::new(issuer.id().clone()).stale_keys_limit(limit);
        support::with_rules(rules, &clock).build().map(drop)
    };
    let moment = Duration::from_nanos(1);
    for limit in [
        Duration::ZERO,
        Duration::from_millis(59_999),
        DAY + moment,
        Duration::MAX,
    ] {
        let refused = Err(ConfigError::StaleKeys(issuer.id().clone()));
        assert_eq!(with(limit), refused, "{limit:?}");
    }
    assert_eq!(with(Duration::from_mins(1)), Ok(()));
    assert_eq!(with(DAY), Ok(()));
}

/// A server that trusts two issuers.
async fn with_two_issuers(limit: Duration) -> (Server, Issuer) {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let second = support::issuer(&clock).await;
    let rules = |issuer: &Issuer| TrustedIssuer::new(issuer.id().clone()).fetch_time_limit(limit);
    let guard = support::with_rules(rules(&issuer), &clock)
        .trusted_issuer(rules(&second))
        .unlimited()
        .build()
        .expect("a guard");
    (support::serve(issuer, clock, guard).await, second)
}

/// An issuer that does not answer keeps nobody waiting but the bearers of its own tokens.
#[tokio::test]
async fn a_slow_issuer_delays_no_other_ones_tokens() {
    let (server, slow) = with_two_issuers(Duration::from_mins(5)).await;
    slow.fault(Fault::Hang);
    let mut parts = parts_with(&t0(&slow).mint());
    let waits = server.app.guard.authorize::<ToolsRead>(&mut parts);
    tokio::pin!(waits);
    tokio::select! {
        biased;
        _ = &mut waits => panic!("nobody has its keys yet"),
        () = eventually(|| slow.metadata_hits() == 1) => {}
    }
    let others = async {
        // Cold, after the end of the lifetime, and with a key that is not known yet.
        for _ in 0..3 {
            let token = t0(&server.issuer).mint();
            server.get("/mcp", &token).await.assert_ok();
            server.clock.advance(TimeDelta::minutes(11));
        }
        server.issuer.rotate(Algorithm::ES256);
        let token = t0(&server.issuer).mint();
        server.get("/mcp", &token).await.assert_ok();
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), others).await;
    ended.expect("not delayed");
    tokio::select! {
        biased;
        _ = &mut waits => panic!("nobody has its keys yet"),
        () = async {} => {}
    }
    assert_eq!(server.ran(), 4);
}

/// A flood for one issuer, and its failures, leave the others as they are.
#[tokio::test]
async fn issuers_share_no_cool_down_and_no_failure() {
    let (server, flooded) = with_two_issuers(SHORT).await;
    server.app.guard.ready().await.expect("keys of both");
    for pause in [5, 10, 20, 30] {
        server.clock.advance(TimeDelta::seconds(pause));
        let unknown = t0(&flooded).unknown_key().mint();
        server.get("/mcp", &unknown).await.assert_401_inv();
    }
    assert_eq!((flooded.jwks_hits(), server.issuer.jwks_hits()), (5, 1));
    // The first one's rotation is followed at once, the other's within its own cool-down only.
    server.issuer.rotate(Algorithm::ES256);
    flooded.rotate(Algorithm::ES256);
    server
        .get("/mcp", &t0(&server.issuer).mint())
        .await
        .assert_ok();
    server
        .get("/mcp", &t0(&flooded).mint())
        .await
        .assert_401_inv();
    assert_eq!((flooded.jwks_hits(), server.issuer.jwks_hits()), (5, 2));
    // And an issuer that is down makes another's unknown keys no matter of time.
    flooded.stop().await;
    server.clock.advance(TimeDelta::seconds(30));
    assert_503(&server.get("/mcp", &t0(&flooded).mint()).await);
    let unknown = t0(&server.issuer).unknown_key().mint();
    server.get("/mcp", &unknown).await.assert_401_inv();
}

/// Two issuers that call their keys alike, and each token under the other's name.
#[tokio::test]
async fn issuers_share_no_keys() {
    let (server, second) = with_two_issuers(SHORT).await;
    let issuers = [&server.issuer, &second];
    let named = |issuer: &Issuer| -> Value {
        let kid = issuer.kid(Algorithm::ES256).expect("a key");
        let mut key = issuer.public_jwk(&kid).expect("a key");
        key["kid"] = json!("k");
        json!({ "keys": [key] })
    };
    for issuer in issuers {
        issuer.publish_jwks(named(issuer).to_string());
    }
    for (issuer, other) in [issuers, [issuers[1], issuers[0]]].map(|[a, b]| (a, b)) {
        let token = t0(issuer).header("kid", "k");
        server.get("/mcp", &token.mint()).await.assert_ok();
        let id = other.id().as_str();
        let foreign = t0(issuer).header("kid", "k").claim("iss", id).mint();
        server.get("/mcp", &foreign).await.assert_401_inv();
    }
    assert_eq!((second.jwks_hits(), server.issuer.jwks_hits()), (1, 1));
    assert_eq!(server.ran(), 2);
}

/// RS-084: An issuer that publishes no key any more has taken its keys back: they serve for the lifetime of
/// their set, and not for as long as those of an issuer that is down.
#[tokio::test]
async fn keys_that_were_taken_back_serve_no_longer_than_their_set() {
    for nothing in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
        let site = Site::warm(|rules| rules).await;
        site.get().await.assert_ok();
        site.keys.publish(nothing.to_owned());
        site.server.clock.advance(TimeDelta::minutes(7));
        site.get().await.assert_ok();
        site.server.clock.advance(TimeDelta::minutes(4));
        for _ in 0..2 {
            let answer = site.get().await;
            assert_eq!(answer.status, 503, "{nothing}");
            site.server.clock.advance(TimeDelta::seconds(6));
        }
        site.keys.publish(site.server.issuer.jwks());
        site.server.clock.advance(TimeDelta::seconds(6));
        site.get().await.assert_ok();
    }
}

/// RS-084: What failed long ago does not make the last keys serve: the issuer is asked first.
#[tokio::test]
async fn an_old_failure_says_nothing() {
    let site = Site::warm(|rules| rules).await;
    site.keys.fail(true);
    site.server.clock.advance(TimeDelta::minutes(9));
    site.get().await.assert_ok();
    eventually(|| site.keys.hits() == 2).await;
    // It has landed by then.
    for _ in 0..5 {
        site.get().await.assert_ok();
    }
    site.keys.fail(false);
    let old = site.rotate();
    site.server.clock.advance(TimeDelta::minutes(20));
    site.get_by(&old).await.assert_401_inv();
    assert_eq!(site.keys.hits(), 3);
}
