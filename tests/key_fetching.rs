//! Where keys come from, what happens while they cannot be had, and what a hostile or broken
//! issuer can and cannot do.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use chrono::TimeDelta;
use clearance::jwk::{Algorithm, KeySetError};
use clearance::keys::{FixedKeys, Unavailable};
use clearance::secret::BearerToken;
use clearance::testing::{Document, Fault, Issuer};
use clearance::token::{Token, Unverified};
use clearance::{Authorized, ConfigError, Guard, TrustedIssuer};
use serde_json::{Value, json};
use support::http::{bearer, eventually, parts_with, request};
use support::{Answer, Fixture, Server, ToolsRead};
use tokio::sync::{Notify, Semaphore};

/// Longer than a cooldown.
const COOLDOWN: TimeDelta = TimeDelta::seconds(6);

/// For fetches that shall fail by time.
const SHORT: Duration = Duration::from_millis(300);

/// A server whose guard has not asked for keys yet.
async fn cold() -> Server {
    cold_with(|rules| rules).await
}

async fn cold_with(change: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Server {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let rules = TrustedIssuer::new(issuer.id().clone()).fetch_time_limit(SHORT);
    let guard = support::with_rules(change(rules), &clock)
        .unlimited()
        .build()
        .expect("a guard");
    support::serve(issuer, clock, guard).await
}

async fn warm() -> Server {
    let server = cold().await;
    server.app.guard.ready().await.expect("keys");
    server
}

/// A token that is good now.
fn good(server: &Server) -> String {
    server.issuer.token().scope("mcp:tools.read").mint()
}

/// `503`: nobody's fault, and said when to come back.
#[track_caller]
fn assert_503(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.code(), 50300);
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let wait = answer.header("retry-after").expect("Retry-After");
    let wait: u64 = wait.parse().expect("whole seconds");
    assert!((1..=5).contains(&wait), "{wait}");
}

fn cause(answer: Result<(), Unavailable>) -> &'static str {
    answer.expect_err("no keys").cause()
}

/// Keys arrive with the first request; `build` and an idle guard ask nobody.
#[tokio::test]
async fn the_first_request_waits_for_the_keys() {
    let server = cold().await;
    assert_eq!(server.issuer.paths_requested(), Vec::<String>::new());
    server.get("/mcp", &good(&server)).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 1);
    for _ in 0..5 {
        server.get("/mcp", &good(&server)).await.assert_ok();
    }
    assert_eq!(server.issuer.jwks_hits(), 1);
    assert_eq!(server.issuer.metadata_hits(), 1);
}

/// `ready` says whether there are keys, and whose are missing.
#[tokio::test]
async fn ready_waits_for_the_keys_of_every_issuer() {
    let server = cold().await;
    server.app.guard.ready().await.expect("keys");
    server.app.guard.ready().await.expect("keys");
    assert_eq!(server.issuer.jwks_hits(), 1);
    server.get("/mcp", &good(&server)).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 1);

    // Of two issuers the second is down: tokens of the first are none the worse for it.
    let second = support::issuer(&server.clock).await;
    second.stop().await;
    let guard = support::strict(&server.issuer, &server.clock)
        .issuer(second.id().clone())
        .build()
        .expect("a guard");
    let unavailable = guard.ready().await.expect_err("one is down");
    assert_eq!(unavailable.issuer(), second.id());
    assert_eq!(unavailable.cause(), "connection_failed");
    assert!(unavailable.retry_after() >= Duration::from_secs(1));
    let mut parts = parts_with(&good(&server));
    let asked = guard.authorize::<ToolsRead>(&mut parts).await;
    assert_eq!(asked.expect("a proof").issuer(), server.issuer.id());
    let token = second.token().scope("mcp:tools.read").mint();
    let asked = guard.authorize::<ToolsRead>(&mut parts_with(&token)).await;
    assert_eq!(asked.map(drop).expect_err("no keys").status(), 503);
    second.resume().await.expect("the port");
    server.clock.advance(COOLDOWN);
    guard.ready().await.expect("keys of both");
}

/// RS-079: the metadata is looked for at three places, in order, and then no more.
#[tokio::test]
async fn metadata_is_looked_for_in_order() {
    let places = [
        "/.well-known/oauth-authorization-server/t1",
        "/.well-known/openid-configuration/t1",
        "/t1/.well-known/openid-configuration",
    ];
    for (documents, tried) in [
        (vec![Document::OAuth], 1),
        (vec![Document::OpenIdInserted], 2),
        (vec![Document::OpenIdAppended], 3),
        (vec![Document::OpenIdAppended, Document::OAuth], 1),
        (vec![], 3),
    ] {
        let clock = support::clock();
        let none = documents.is_empty();
        let issuer = Issuer::builder(support::resource())
            .clock(Arc::new(clock.clone()))
            .path("/t1")
            .documents(documents)
            .start()
            .await
            .expect("an issuer");
        let guard = support::strict(&issuer, &clock).build().expect("a guard");
        let mut expected: Vec<&str> = places[..tried].to_vec();
        if none {
            assert_eq!(cause(guard.ready().await), "unexpected_status");
        } else {
            guard.ready().await.expect("keys");
            expected.push("/t1/jwks");
        }
        assert_eq!(issuer.paths_requested(), expected);
    }
    // Without a path two of the places are one.
    let clock = support::clock();
    let issuer = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .documents([])
        .start()
        .await
        .expect("an issuer");
    let guard = support::strict(&issuer, &clock).build().expect("a guard");
    assert_eq!(cause(guard.ready().await), "unexpected_status");
    assert_eq!(
        issuer.paths_requested(),
        [
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration"
        ]
    );
}

/// RS-079: the `issuer` of the metadata is the configured text, or no key is even asked for.
#[tokio::test]
async fn the_issuer_of_the_metadata_is_compared_as_text() {
    let server = cold().await;
    let id = server.issuer.id().to_string();
    for other in [
        format!("{id}/"),
        id.replace("http://", "HTTP://"),
        id.replace("127.0.0.1", "localhost"),
        id.replace("127.0.0.1", "127.1"),
        format!("{id}/t1"),
        format!(" {id}"),
        format!("{id}?"),
        id.replace("http://", "https://"),
        "https://attacker.example".to_owned(),
        String::new(),
    ] {
        server
            .issuer
            .metadata_fault(Fault::OtherIssuer(other.clone()));
        assert_eq!(
            cause(server.app.guard.ready().await),
            "issuer_mismatch",
            "{other}"
        );
        assert_503(&server.get("/mcp", &good(&server)).await);
        server.clock.advance(COOLDOWN);
    }
    assert_eq!(server.issuer.jwks_hits(), 0);
    assert_eq!(server.ran(), 0);
    server.issuer.metadata_fault(Fault::OtherIssuer(id));
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// RS-081, RS-080: whatever is wrong with the issuer's answers, requests get 503 and not 401, in
/// bounded time, from a cold start; and as soon as the issuer is well again, they get through.
#[tokio::test]
async fn a_broken_issuer_makes_requests_unavailable() {
    let many = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 10_000].join(","));
    let body = |text: &str| Fault::Body(text.to_owned());
    for (metadata, jwks, expected) in [
        (Fault::Disconnect, Fault::None, "connection_failed"),
        (Fault::EndlessBody, Fault::None, "document_too_large"),
        (Fault::Garbage, Fault::None, "malformed_metadata"),
        (Fault::Hang, Fault::None, "time_limit_exceeded"),
        (
            Fault::Slow(Duration::from_millis(20)),
            Fault::None,
            "time_limit_exceeded",
        ),
        (Fault::Status(500), Fault::None, "unexpected_status"),
        (Fault::Status(404), Fault::None, "unexpected_status"),
        (Fault::Status(204), Fault::None, "unexpected_status"),
        (Fault::Truncated, Fault::None, "connection_failed"),
        (body("{}"), Fault::None, "malformed_metadata"),
        (body("[]"), Fault::None, "malformed_metadata"),
        (Fault::None, Fault::Disconnect, "connection_failed"),
        (Fault::None, Fault::EndlessBody, "document_too_large"),
        (Fault::None, Fault::Garbage, "malformed_key_set"),
        (Fault::None, Fault::Hang, "time_limit_exceeded"),
        (
            Fault::None,
            Fault::Slow(Duration::from_millis(20)),
            "time_limit_exceeded",
        ),
        (Fault::None, Fault::Status(500), "unexpected_status"),
        (Fault::None, Fault::Status(404), "unexpected_status"),
        (Fault::None, Fault::Truncated, "connection_failed"),
        (Fault::None, body("{}"), "malformed_key_set"),
        (Fault::None, body("[]"), "malformed_key_set"),
        (Fault::None, body(r#"{"keys":{}}"#), "malformed_key_set"),
        (Fault::None, body(r#"{"keys":[]} x"#), "malformed_key_set"),
        (Fault::None, body(r#"{"keys":[]}"#), "no_usable_key"),
        (
            Fault::None,
            body(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#),
            "no_usable_key",
        ),
        (Fault::None, body(&many), "too_many_keys"),
        (Fault::None, body(&"[".repeat(100_000)), "malformed_key_set"),
    ] {
        let server = cold().await;
        server.issuer.metadata_fault(metadata.clone());
        server.issuer.jwks_fault(jwks.clone());
        let about = format!("{metadata:?} {:.40}", format!("{jwks:?}"));
        let token = good(&server);
        let answer = server.get("/mcp", &token).await;
        assert_503(&answer);
        answer.assert_silent_about(&token);
        // In the cooldown nobody is asked again.
        let hits = server.issuer.paths_requested().len();
        assert_eq!(cause(server.app.guard.ready().await), expected, "{about}");
        assert_503(&server.get("/mcp", &token).await);
        assert_eq!(server.issuer.paths_requested().len(), hits, "{about}");
        assert_eq!(server.ran(), 0);

        server.issuer.fault(Fault::None);
        server.clock.advance(COOLDOWN);
        server.get("/mcp", &good(&server)).await.assert_ok();

        // From a warm start the last good set is kept, whatever the issuer says now.
        server.issuer.metadata_fault(metadata);
        server.issuer.jwks_fault(jwks);
        server.clock.advance(COOLDOWN);
        let unknown = server.issuer.token().unknown_key().mint();
        assert_503(&server.get("/mcp", &unknown).await);
        server.get("/mcp", &good(&server)).await.assert_ok();
        assert_eq!(server.ran(), 2);
    }
}

/// RS-081: the bounds themselves are accepted.
#[tokio::test]
async fn key_sets_up_to_the_bounds_are_read() {
    let server = cold().await;
    let own: Value = serde_json::from_str(&server.issuer.jwks()).expect("JSON");
    let key = own["keys"][0].clone();
    let set = |others: usize| {
        let mut keys = vec![json!({"kty": "none"}); others];
        keys.push(key.clone());
        json!({ "keys": keys }).to_string()
    };
    let padded = |length: usize| {
        let mut text = set(0);
        text.push_str(&" ".repeat(length - text.len()));
        text
    };
    for (text, expected) in [
        (set(63), None),
        (set(64), Some("too_many_keys")),
        (padded(256 * 1024), None),
        (padded(256 * 1024 + 1), Some("document_too_large")),
    ] {
        let server = cold().await;
        // A key set of another issuer's keys, under this one's name.
        server.issuer.publish_jwks(text);
        let ready = server.app.guard.ready().await;
        assert_eq!(ready.map_err(|error| error.cause()).err(), expected);
    }
}

/// RS-080: addresses that the metadata names are `https`, or loopback where the issuer is.
#[tokio::test]
async fn key_sets_are_not_fetched_from_anywhere() {
    for uri in [
        "http://as.example.com/jwks",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1.example.com/jwks",
        "http://10.0.0.1/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "data:application/json,{}",
        "/jwks",
        "jwks",
        "",
    ] {
        let server = cold().await;
        server.issuer.metadata_fault(Fault::JwksUri(uri.to_owned()));
        assert_eq!(
            cause(server.app.guard.ready().await),
            "unacceptable_url",
            "{uri}"
        );
        assert_503(&server.get("/mcp", &good(&server)).await);
        assert_eq!(server.issuer.jwks_hits(), 0);
        let fixed = TrustedIssuer::with_jwks_uri(server.issuer.id().clone(), uri);
        assert_eq!(
            support::with_rules(fixed, &server.clock).build().map(drop),
            Err(ConfigError::KeySetUrl(server.issuer.id().clone())),
            "{uri}"
        );
    }
    // An issuer that is not on loopback does not get to name one that is.
    let clock = support::clock();
    let id: clearance::id::Issuer = "https://as.example.com".parse().expect("an issuer");
    for uri in [
        "http://127.0.0.1:1/jwks",
        "http://localhost/jwks",
        "http://[::1]/jwks",
    ] {
        let issuer = TrustedIssuer::with_jwks_uri(id.clone(), uri);
        assert_eq!(
            support::with_rules(issuer, &clock).build().map(drop),
            Err(ConfigError::KeySetUrl(id.clone()))
        );
    }
    let issuer = TrustedIssuer::with_jwks_uri(id, "https://keys.example.com/jwks");
    support::with_rules(issuer, &clock)
        .build()
        .expect("a guard");
}

/// RS-080: where `https` is named, TLS is spoken: a server that speaks plain HTTP there is not
/// listened to. (No option turns the validation of certificates off.)
#[tokio::test]
async fn an_https_address_is_not_asked_in_plain_text() {
    let server = cold().await;
    let https = server.issuer.jwks_uri().replace("http://", "https://");
    server.issuer.metadata_fault(Fault::JwksUri(https));
    // The server makes nothing of a TLS handshake: it closes, or waits for more.
    let cause = cause(server.app.guard.ready().await);
    assert!(
        ["connection_failed", "time_limit_exceeded"].contains(&cause),
        "{cause}"
    );
    assert_503(&server.get("/mcp", &good(&server)).await);
    assert_eq!(server.issuer.jwks_hits(), 0);
}

/// A loopback server for one document that counts how often it is asked.
struct Elsewhere {
    address: SocketAddr,
    hits: Arc<AtomicU64>,
    _task: support::Held,
}

impl Elsewhere {
    async fn serving(document: String) -> Self {
        let hits = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&hits);
        let answer = async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            document
        };
        let router = Router::new()
            .fallback(answer)
            .route("/away", get(async || Redirect::temporary("/jwks")));
        let (address, task) = support::spawn(router).await;
        Self {
            address,
            hits,
            _task: task.into(),
        }
    }

    fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }
}

/// RS-080: redirects are not followed to another origin.
#[tokio::test]
async fn redirects_do_not_leave_the_origin() {
    let server = cold().await;
    // What it serves would even be right.
    let elsewhere = Elsewhere::serving(server.issuer.jwks()).await;
    let port = elsewhere.address.port();
    for target in [
        format!("http://127.0.0.1:{port}/jwks"),
        format!("http://localhost:{port}/jwks"),
        format!("//127.0.0.1:{port}/jwks"),
        "http://169.254.169.254/".to_owned(),
        "https://as.example.com/jwks".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        for at_metadata in [true, false] {
            let fault = Fault::RedirectTo(target.clone());
            let (metadata, jwks) = if at_metadata {
                (fault, Fault::None)
            } else {
                (Fault::None, fault)
            };
            server.issuer.metadata_fault(metadata);
            server.issuer.jwks_fault(jwks);
            // Not a failed connection either: nobody was called.
            assert_eq!(
                cause(server.app.guard.ready().await),
                "unexpected_status",
                "{target}"
            );
            assert_503(&server.get("/mcp", &good(&server)).await);
            server.clock.advance(COOLDOWN);
        }
    }
    assert_eq!(elsewhere.hits(), 0);
    assert_eq!(server.ran(), 0);
    server.issuer.fault(Fault::None);
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// RS-080: within the origin they are followed, and not for ever.
#[tokio::test]
async fn redirects_within_the_origin_are_bounded() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let elsewhere = Elsewhere::serving(issuer.jwks()).await;
    let uri = format!("http://{}/away", elsewhere.address);
    let rules = TrustedIssuer::with_jwks_uri(issuer.id().clone(), uri);
    let guard = support::with_rules(rules, &clock).build().expect("a guard");
    guard.ready().await.expect("keys");
    assert_eq!(elsewhere.hits(), 1);

    let server = cold().await;
    let itself = server.issuer.jwks_uri();
    server.issuer.jwks_fault(Fault::RedirectTo(itself));
    assert_eq!(cause(server.app.guard.ready().await), "unexpected_status");
    assert!(
        server.issuer.jwks_hits() <= 4,
        "{}",
        server.issuer.jwks_hits()
    );
}

/// Changes one member of a JWK.
fn changed(key: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut key = key.clone();
    key[name] = value.into();
    key
}

/// The keys that must not verify anything, each under a name of its own.
fn bad_keys(issuer: &Issuer) -> Vec<Value> {
    let key = |algorithm| {
        let kid = issuer.kid(algorithm).expect("a key");
        issuer.public_jwk(&kid).expect("a key")
    };
    let (ec, rsa, okp) = (
        key(Algorithm::ES256),
        key(Algorithm::RS256),
        key(Algorithm::EdDSA),
    );
    let modulus = rsa["n"].as_str().expect("a modulus");
    let x = ec["x"].as_str().expect("a coordinate");
    vec![
        changed(&ec, "kty", "XYZ"),
        changed(&ec, "use", "enc"),
        changed(&ec, "use", json!(["sig"])),
        changed(&ec, "key_ops", json!(["sign"])),
        changed(&ec, "d", "AAAA"),
        changed(&rsa, "p", "AAAA"),
        json!({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "HS256"}),
        json!({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "ES256"}),
        // 1024 bits: half of the modulus, which is still odd at its end.
        changed(&rsa, "n", modulus.get(modulus.len() / 2 + 1..)),
        changed(&rsa, "e", "AQ"),
        changed(&rsa, "e", "Aw"),
        changed(&rsa, "e", "AQAA"),
        changed(&rsa, "e", ""),
        changed(&rsa, "n", ""),
        changed(&rsa, "alg", "HS256"),
        changed(&rsa, "alg", "none"),
        // A point that is not on the curve: both coordinates the same.
        changed(&ec, "y", x),
        changed(&ec, "x", "AA"),
        changed(&ec, "crv", "P-384"),
        changed(&ec, "crv", "secp256k1"),
        changed(&ec, "alg", "ES384"),
        changed(&ec, "alg", 7),
        changed(&okp, "crv", "X25519"),
        changed(&okp, "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        changed(&okp, "x", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        json!({}),
        json!(null),
        json!("key"),
        json!([]),
    ]
}

/// RS-082: bad keys are skipped, and the good one beside them verifies.
#[tokio::test]
async fn unusable_keys_are_skipped() {
    let logs = support::Logs::capture();
    let clock = support::clock();
    let issuer = Issuer::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .algorithms([Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA])
        .start()
        .await
        .expect("an issuer");
    let kid = issuer.kid(Algorithm::ES256).expect("a key");
    let mut keys = bad_keys(&issuer);
    let count = keys.len();
    for (number, key) in keys.iter_mut().enumerate() {
        if key.is_object() {
            key["kid"] = json!(format!("bad-{number}"));
        }
    }
    keys.insert(count / 2, issuer.public_jwk(&kid).expect("a key"));
    issuer.publish_jwks(json!({ "keys": keys }).to_string());
    let guard = support::strict(&issuer, &clock)
        .unlimited()
        .build()
        .expect("a guard");
    let server = support::serve(issuer, clock, guard).await;
    let issuer = &server.issuer;
    server.get("/mcp", &good(&server)).await.assert_ok();
    let log = logs.text();
    assert!(log.contains(&format!("usable=1 skipped={count}")), "{log}");

    for number in 0..count {
        let name = format!("bad-{number}");
        // Signed with the good halves of what the bad keys were made of.
        for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
            let token = issuer
                .token()
                .scope("mcp:tools.read")
                .signed_by(algorithm)
                .header("kid", name.as_str())
                .mint();
            let answer = server.get("/mcp", &token).await;
            answer.assert_401_inv();
            answer.assert_silent_about(&token);
        }
        let token = issuer
            .token()
            .scope("mcp:tools.read")
            .hmac_with("HS256", *b"secret-secret-secret-secret")
            .header("kid", name)
            .mint();
        server.get("/mcp", &token).await.assert_401_inv();
    }
    // Under no name they do not verify either.
    for algorithm in [Algorithm::RS256, Algorithm::EdDSA] {
        let token = issuer.token().signed_by(algorithm).without_header("kid");
        let token = token.scope("mcp:tools.read").mint();
        server.get("/mcp", &token).await.assert_401_inv();
    }
    assert_eq!(server.ran(), 1);
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// RS-082: for the caller of the public transitions as well.
#[tokio::test]
async fn a_key_set_says_what_it_skipped() {
    let server = cold().await;
    let kid = server.issuer.kid(Algorithm::ES256).expect("a key");
    let key = server.issuer.public_jwk(&kid).expect("a key");
    let text = json!({ "keys": [key, {"kty": "oct", "k": "AAAA"}, {}] }).to_string();
    server.issuer.publish_jwks(text);
    let raw = BearerToken::from_bytes(good(&server).as_bytes()).expect("a token");
    let token = Token::<Unverified>::parse(raw).expect("a token");
    let keys = server.app.guard.key_set(&token).await.expect("keys");
    assert_eq!((keys.len(), keys.skipped()), (1, 2));
    assert_eq!(keys.issuer(), server.issuer.id());
    assert_eq!(token.verify_signature(&keys).map(drop), Ok(()));
}

/// RS-083: a flood of keys that nobody knows costs one request to the issuer, and each token is refused.
#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch() {
    let server = warm().await;
    assert_eq!(server.issuer.jwks_hits(), 1);
    let flood = async || {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let token = server.issuer.token().scope("mcp:tools.read").unknown_key();
            let bytes = request("GET /mcp", &[bearer(&token.mint())]);
            tasks.spawn(support::http::raw_owned(server.address, bytes));
        }
        for answer in tasks.join_all().await {
            answer.assert_401_inv();
        }
    };
    // In the cooldown of the first fetch nobody is asked at all.
    flood().await;
    assert_eq!(server.issuer.jwks_hits(), 1);
    server.clock.advance(COOLDOWN);
    flood().await;
    assert_eq!(server.issuer.jwks_hits(), 2);
    assert_eq!(server.issuer.metadata_hits(), 2);
    flood().await;
    assert_eq!(server.issuer.jwks_hits(), 2);
    assert_eq!(server.ran(), 0);
    // Good tokens are served all the time.
    server.get("/mcp", &good(&server)).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 2);
}

/// From a cold start as well, however many come at once.
#[tokio::test]
async fn a_crowd_at_a_cold_start_costs_one_fetch() {
    let server = cold().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let bytes = request("GET /mcp", &[bearer(&good(&server))]);
        tasks.spawn(support::http::raw_owned(server.address, bytes));
    }
    for answer in tasks.join_all().await {
        answer.assert_ok();
    }
    assert_eq!(server.issuer.jwks_hits(), 1);
    assert_eq!(server.ran(), 100);
}

/// RS-084: a rotation is followed as soon as the cooldown is over, without a restart.
#[tokio::test]
async fn a_rotation_is_followed_after_the_cooldown() {
    let server = warm().await;
    let old = server.issuer.kid(Algorithm::ES256).expect("a key");
    let new = server.issuer.rotate(Algorithm::ES256);
    assert_ne!(old, new);
    let token = good(&server);
    server.get("/mcp", &token).await.assert_401_inv();
    assert_eq!(server.issuer.jwks_hits(), 1);
    server.clock.advance(TimeDelta::milliseconds(4_999));
    server.get("/mcp", &token).await.assert_401_inv();
    assert_eq!(server.issuer.jwks_hits(), 1);
    server.clock.advance(TimeDelta::milliseconds(1));
    server.get("/mcp", &token).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 2);
    // The key that is not published any more verifies nothing any more.
    let token = server.issuer.token().scope("mcp:tools.read");
    let token = token.signed_with_kid(&old).mint();
    let answer = server.get("/mcp", &token).await;
    answer.assert_401_inv();
    answer.assert_silent_about(&token);
    assert_eq!(server.ran(), 1);
}

/// A set is renewed in the background before it gets old, and nobody waits for it.
#[tokio::test]
async fn a_set_is_renewed_before_it_gets_old() {
    let server = warm().await;
    let old = server.issuer.kid(Algorithm::ES256).expect("a key");
    server.issuer.rotate(Algorithm::ES256);
    let by_old = |server: &Server| {
        let token = server.issuer.token().scope("mcp:tools.read");
        token.signed_with_kid(&old).mint()
    };
    // At 75 percent of its lifetime at the earliest, and at 85 at the latest.
    server.clock.advance(TimeDelta::seconds(450));
    server.get("/mcp", &by_old(&server)).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 1);
    server.clock.advance(TimeDelta::milliseconds(60_001));
    // This one is served from what is there, and makes the guard ask.
    server.get("/mcp", &by_old(&server)).await.assert_ok();
    eventually(|| server.issuer.jwks_hits() == 2).await;
    // A token of the new key waits for the fetch that runs, if it still does.
    server.get("/mcp", &good(&server)).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 2);
    server.get("/mcp", &by_old(&server)).await.assert_401_inv();
}

/// A key that its issuer has taken back verifies for ten minutes at most, although nothing else
/// made the guard ask.
#[tokio::test]
async fn a_withdrawn_key_verifies_for_ten_minutes_at_most() {
    let server = warm().await;
    let old = server.issuer.kid(Algorithm::ES256).expect("a key");
    server.issuer.rotate(Algorithm::ES256);
    server.clock.advance(TimeDelta::minutes(10));
    server.clock.advance(TimeDelta::milliseconds(1));
    let token = server.issuer.token().scope("mcp:tools.read");
    let token = token.signed_with_kid(&old).mint();
    server.get("/mcp", &token).await.assert_401_inv();
    assert_eq!(server.issuer.jwks_hits(), 2);
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// While the last fetch failed, a key that is not known may well be good: 503 and not 401.
#[tokio::test]
async fn an_unknown_key_is_no_fault_while_the_issuer_is_down() {
    let server = warm().await;
    let known = good(&server);
    server.issuer.rotate(Algorithm::ES256);
    server.issuer.stop().await;
    server.clock.advance(COOLDOWN);
    for _ in 0..3 {
        let answer = server.get("/mcp", &good(&server)).await;
        assert_503(&answer);
    }
    // Known keys go on.
    server.get("/mcp", &known).await.assert_ok();
    // Waiting as long as it was told helps as soon as the issuer is back.
    let answer = server.get("/mcp", &good(&server)).await;
    let wait: i64 = answer
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("seconds");
    server.issuer.resume().await.expect("the port");
    server.clock.advance(TimeDelta::seconds(wait));
    server.get("/mcp", &good(&server)).await.assert_ok();
    assert_eq!(server.ran(), 2);
    // And what is unknown now is the token's fault.
    server.clock.advance(COOLDOWN);
    let unknown = server.issuer.token().unknown_key().mint();
    server.get("/mcp", &unknown).await.assert_401_inv();
}

/// Cold start while the issuer is down.
#[tokio::test]
async fn a_cold_start_without_the_issuer_is_unavailable() {
    let server = cold().await;
    server.issuer.stop().await;
    let token = good(&server);
    for token in [&token, &server.issuer.token().wrong_signature().mint()] {
        assert_503(&server.get("/mcp", token).await);
    }
    assert_eq!(cause(server.app.guard.ready().await), "connection_failed");
    // What needs no keys is answered as ever.
    server.get_bare("/mcp").await.assert_401_none();
    server.get("/mcp", "a b").await.assert_400_req();
    server.get("/mcp", "garbage").await.assert_401_inv();
    let stranger = server.issuer.token().wrong_issuer().mint();
    server.get("/mcp", &stranger).await.assert_401_inv();
    assert_eq!(server.ran(), 0);
    server.issuer.resume().await.expect("the port");
    server.clock.advance(COOLDOWN);
    server.get("/mcp", &token).await.assert_ok();
}

/// Keys serve while the issuer is down, for an hour and not for longer.
#[tokio::test]
async fn old_keys_serve_for_an_hour() {
    let server = warm().await;
    server.issuer.stop().await;
    for minutes in [9, 20, 30] {
        server.clock.advance(TimeDelta::minutes(minutes));
        server.get("/mcp", &good(&server)).await.assert_ok();
    }
    server.clock.advance(TimeDelta::minutes(1));
    server.get("/mcp", &good(&server)).await.assert_ok();
    assert_eq!(server.ran(), 4);
    // An hour and a moment.
    server.clock.advance(TimeDelta::milliseconds(1));
    let token = good(&server);
    let answer = server.get("/mcp", &token).await;
    assert_503(&answer);
    answer.assert_silent_about(&token);
    assert!(server.app.guard.ready().await.is_err());
    server.clock.advance(TimeDelta::days(1));
    assert_503(&server.get("/mcp", &good(&server)).await);
    assert_eq!(server.ran(), 4);
    server.issuer.resume().await.expect("the port");
    server.clock.advance(COOLDOWN);
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// An issuer whose key set is handed out when the test says so.
struct Gate {
    entered: Arc<Notify>,
    open: Arc<Semaphore>,
    hits: Arc<AtomicU64>,
    server: Server,
    _task: support::Held,
}

impl Gate {
    async fn closed() -> Self {
        let clock = support::clock();
        let issuer = support::issuer(&clock).await;
        let (entered, open) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let hits = Arc::new(AtomicU64::new(0));
        let keys = issuer.jwks();
        let handler = {
            let (entered, open, hits) =
                (Arc::clone(&entered), Arc::clone(&open), Arc::clone(&hits));
            async move || {
                hits.fetch_add(1, Ordering::SeqCst);
                entered.notify_one();
                drop(open.acquire().await.expect("never closed"));
                keys
            }
        };
        let (address, task) = support::spawn(Router::new().fallback(handler)).await;
        let rules =
            TrustedIssuer::with_jwks_uri(issuer.id().clone(), format!("http://{address}/jwks"));
        let guard = support::with_rules(rules, &clock).build().expect("a guard");
        let server = support::serve(issuer, clock, guard).await;
        Self {
            entered,
            open,
            hits,
            server,
            _task: task.into(),
        }
    }

    fn guard(&self) -> &Guard<Fixture> {
        &self.server.app.guard
    }
}

/// The client that began a fetch goes away; others wait for the same fetch and get its keys.
#[tokio::test]
async fn a_client_that_goes_away_does_not_end_the_fetch() {
    let gate = Gate::closed().await;
    let token = good(&gate.server);
    {
        let mut parts = parts_with(&token);
        let first = gate.guard().authorize::<ToolsRead>(&mut parts);
        tokio::select! {
            _ = first => panic!("nobody has keys yet"),
            () = gate.entered.notified() => {}
        }
    }
    // The first client is gone. The second one joins the fetch that still runs.
    let bytes = request("GET /mcp", &[bearer(&token)]);
    let second = tokio::spawn(support::http::raw_owned(gate.server.address, bytes));
    let mut parts = parts_with(&token);
    let third = gate.guard().authorize::<ToolsRead>(&mut parts);
    gate.open.add_permits(1);
    assert_eq!(third.await.expect("a proof").subject().as_str(), "alice");
    second.await.expect("an answer").assert_ok();
    assert_eq!(gate.hits.load(Ordering::SeqCst), 1);
}

/// Time goes on while a request waits for keys: a token that dies meanwhile is dead.
#[tokio::test]
async fn a_token_that_dies_while_its_request_waits_is_refused() {
    let gate = Gate::closed().await;
    let token = good(&gate.server);
    let bytes = request("GET /mcp", &[bearer(&token)]);
    let waiting = tokio::spawn(support::http::raw_owned(gate.server.address, bytes));
    gate.entered.notified().await;
    gate.server.clock.advance(TimeDelta::minutes(12));
    gate.open.add_permits(1);
    waiting.await.expect("an answer").assert_401_inv();
    assert_eq!(gate.server.ran(), 0);
}

/// Keys that are given verify without any network, and never change.
#[tokio::test]
async fn fixed_keys_need_no_network() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixed-keys.json");
    std::fs::write(&file, issuer.jwks()).expect("a file");
    let json = FixedKeys::from_json(issuer.jwks());
    let from_file = FixedKeys::from_file(&file).expect("a file");
    for keys in [json, from_file] {
        assert!(format!("{keys:?}").starts_with("FixedKeys"));
        let rules = TrustedIssuer::with_keys(issuer.id().clone(), keys);
        let guard = support::with_rules(rules, &clock).build().expect("a guard");
        guard.ready().await.expect("keys");
        let proof: Result<Authorized<ToolsRead>, _> = guard
            .authorize(&mut parts_with(
                &issuer.token().scope("mcp:tools.read").mint(),
            ))
            .await;
        assert_eq!(proof.expect("a proof").issuer(), issuer.id());
        for bad in [
            issuer.token().scope("mcp:tools.read").unknown_key(),
            issuer.token().scope("mcp:tools.read").wrong_signature(),
        ] {
            let mut parts = parts_with(&bad.mint());
            let asked = guard.authorize::<ToolsRead>(&mut parts).await;
            // Nobody could be asked, so it is never a matter of time.
            assert_eq!(asked.map(drop).expect_err("refused").status(), 401);
        }
    }
    assert_eq!(issuer.paths_requested(), Vec::<String>::new());
    FixedKeys::from_file(file.with_extension("missing")).expect_err("no such file");
}

/// Keys that are given and useless are found out when the guard is built.
#[tokio::test]
async fn useless_fixed_keys_are_a_configuration_error() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let id = issuer.id();
    let many = json!({ "keys": vec![json!({}); 65] }).to_string();
    let not_a_set = |why| ConfigError::KeySet(id.clone(), why);
    for (text, error) in [
        ("{}", not_a_set(KeySetError::NotAKeySet)),
        ("", not_a_set(KeySetError::NotAKeySet)),
        ("[]", not_a_set(KeySetError::NotAKeySet)),
        (r#"{"keys":1}"#, not_a_set(KeySetError::NotAKeySet)),
        (&many, not_a_set(KeySetError::TooManyKeys)),
        (r#"{"keys":[]}"#, ConfigError::NoUsableKey(id.clone())),
        (
            r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
            ConfigError::NoUsableKey(id.clone()),
        ),
    ] {
        let rules = TrustedIssuer::with_keys(id.clone(), FixedKeys::from_json(text));
        let guard = support::with_rules(rules, &clock).build();
        assert_eq!(guard.map(drop), Err(error), "{text:.40}");
    }
}
