//! Every reason for which the code refuses.

use std::collections::BTreeSet;

use axum::Router;
use chrono::TimeDelta;
use clearance::audit::{DecisionStats, ReasonCode};
use clearance::clock::Clock as _;
use clearance::id::TokenId;
use clearance::jwk::Algorithm;
use clearance::limit::Quota;
use clearance::scope::Vocabulary;
use clearance::tenants::{Tenant, Tenants};
use clearance::testing::Fault;
use clearance::{Guard, GuardBuilder, TlsEvidence};
use serde_json::json;
use tower::ServiceExt as _;

use super::fixture::{Kept, Site};
use crate::endpoint::Endpoint;
use crate::support::around::{DELETE, T0, WEATHER, World, at};
use crate::support::http::{ask, parts, parts_with};
use crate::support::mcp::{DENIED, REVOKED};
use crate::support::request::{MODERN, Request};
use crate::support::service::LEGACY;
use crate::support::tokens::with_member;
use crate::support::{FilesRead, Fixture, M_PATH, ToolsRead, plain, with_rules};

/// What was provoked, and what a sink was told.
#[derive(Default)]
struct Provoked {
    told: BTreeSet<String>,
    counted: BTreeSet<ReasonCode>,
}

impl Provoked {
    /// The last request to this guard was refused for this reason and no other.
    async fn note<V: Vocabulary>(&mut self, kept: &Kept, guard: &Guard<V>, reason: ReasonCode) {
        let event = kept.only(guard).await;
        assert_eq!(event["reason"], reason.as_str(), "{event:#}");
        let decision = if reason == ReasonCode::Unavailable {
            "unavailable"
        } else {
            "refused"
        };
        assert_eq!(event["decision"], decision, "{event:#}");
        self.told.insert(reason.as_str().to_owned());
        let DecisionStats { refused, .. } = guard.health().decisions;
        self.counted.extend(refused.iter().map(|(code, _)| *code));
    }
}

/// RS-149: each reason that the enum has is one for which a real request is refused, and a sink is
/// told so. A reason that nobody provokes here is not finished.
#[tokio::test]
async fn every_reason_is_provoked() {
    let mut provoked = Provoked::default();
    tokens(&mut provoked).await;
    credentials(&mut provoked).await;
    callers(&mut provoked).await;
    questions(&mut provoked).await;
    outage(&mut provoked).await;
    layers(&mut provoked).await;
    tenants(&mut provoked).await;
    let all: BTreeSet<String> = ReasonCode::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(provoked.told, all);
    assert_eq!(provoked.counted, ReasonCode::ALL.iter().copied().collect());
}

/// Words and members are in the same order, and no word stands twice.
/// Whoever is on call finds each reason, and no word that is none.
#[test]
fn the_operations_page_tells_of_each_reason() {
    let page = include_str!("../../src/audit/operations.md");
    let table = page
        .split("\n## ")
        .find(|part| part.starts_with("What each reason"));
    let rows = table
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `"));
    let words: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let codes: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words, codes);
}

#[test]
fn reasons_are_in_the_order_of_their_words() {
    let words: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    let sorted: BTreeSet<&str> = words.iter().copied().collect();
    assert_eq!(words, sorted.into_iter().collect::<Vec<_>>());
    for word in words {
        let plain = |letter: char| letter.is_ascii_lowercase() || "_64".contains(letter);
        assert!(word.chars().all(plain), "{word}");
    }
    let mut codes = ReasonCode::ALL.to_vec();
    codes.sort();
    assert_eq!(codes, ReasonCode::ALL);
}

async fn world(kept: &Kept) -> World {
    World::with(|builder| {
        let builder = GuardBuilder::unlimited(builder).audit(kept.clone());
        let builder = builder.max_age(TimeDelta::hours(1));
        builder.deny_if(|auth| auth.subject().as_str() == DENIED)
    })
    .await
}

/// Tokens that are wrong in one way.
async fn tokens(provoked: &mut Provoked) {
    let kept = Kept::default();
    let World {
        issuer,
        clock,
        guard,
        ..
    } = world(&kept).await;
    let now = clock.now();
    let token = || issuer.token().scope(T0);
    let kid = issuer.kid(Algorithm::ES256).expect("a key");
    let many = (0..300).map(|number| format!("\"m{number}\":0"));
    let many = many.collect::<Vec<_>>().join(",");
    let payload = token().payload_json();
    let twice = with_member(&payload, "\"sub\":\"bob\"");
    for (reason, token) in [
        (ReasonCode::AlgorithmNotAllowed, token().alg_none().mint()),
        (ReasonCode::BadSignature, token().wrong_signature().mint()),
        (
            ReasonCode::BoundToKey,
            token().claim("cnf", json!({ "jkt": "x" })).mint(),
        ),
        (
            ReasonCode::CriticalHeader,
            token().header("crit", json!(["x"])).mint(),
        ),
        (
            ReasonCode::DuplicateMember,
            token().raw_payload(twice).mint(),
        ),
        (
            ReasonCode::EncodedContent,
            token().header("zip", "DEF").mint(),
        ),
        (ReasonCode::Expired, token().expired().mint()),
        (ReasonCode::ForeignType, token().wrong_type().mint()),
        (
            ReasonCode::IssuedInFuture,
            token().issued_at(now + TimeDelta::minutes(5)).mint(),
        ),
        (
            ReasonCode::KeyIdTooLong,
            token().header("kid", "k".repeat(300)).mint(),
        ),
        (
            ReasonCode::LivesTooLong,
            token().lifetime(TimeDelta::days(30)).mint(),
        ),
        (ReasonCode::MalformedBase64, "a.b.c".to_owned()),
        (ReasonCode::MalformedJson, token().raw_payload("{").mint()),
        (ReasonCode::MalformedMember, token().claim("exp", -1).mint()),
        (ReasonCode::MalformedSegments, "a.b".to_owned()),
        (ReasonCode::MissingClaim, token().without("sub").mint()),
        (ReasonCode::NotYetValid, token().not_yet_valid().mint()),
        (ReasonCode::OtherResource, token().wrong_audience().mint()),
        (
            ReasonCode::TokenTooComplex,
            token().raw_payload(with_member(&payload, &many)).mint(),
        ),
        (
            ReasonCode::TokenTooLong,
            format!("{}{}", token().mint(), "a".repeat(20_000)),
        ),
        (
            ReasonCode::TooOld,
            token()
                .issued_at(now - TimeDelta::hours(2))
                .expires_at(now + TimeDelta::hours(1))
                .mint(),
        ),
        (ReasonCode::UnknownIssuer, token().wrong_issuer().mint()),
        (ReasonCode::UnknownKey, token().unknown_key().mint()),
        (
            ReasonCode::UnsuitableKey,
            token()
                .signed_by(Algorithm::EdDSA)
                .header("kid", kid.as_str())
                .mint(),
        ),
    ] {
        let refusal = ask::<()>(&guard, &token).await.expect_err(reason.as_str());
        assert_eq!(refusal.reason().code(), reason);
        provoked.note(&kept, &guard, reason).await;
    }
    // Five keys, and nobody says which.
    for _ in 0..5 {
        issuer.add_key(Algorithm::ES256);
    }
    clock.advance(TimeDelta::minutes(11));
    let token = token().without_header("kid").mint();
    ask::<()>(&guard, &token).await.expect_err("ambiguous");
    provoked.note(&kept, &guard, ReasonCode::AmbiguousKey).await;
}

/// What is written where a token should be.
async fn credentials(provoked: &mut Provoked) {
    let kept = Kept::default();
    let World { issuer, guard, .. } = world(&kept).await;
    let field = format!("Bearer {}", issuer.token().mint());
    let mut repeated = parts("/mcp", Some(field.as_bytes()));
    let field = field.as_str();
    repeated
        .headers
        .append("authorization", field.parse().expect("a value"));
    for (reason, mut parts) in [
        (ReasonCode::NoCredential, parts("/mcp", None)),
        (
            ReasonCode::MalformedCredential,
            parts("/mcp", Some(b"Bearer")),
        ),
        (ReasonCode::RepeatedCredential, repeated),
        (
            ReasonCode::CredentialAlsoInQuery,
            parts("/mcp?access_token=x", Some(field.as_bytes())),
        ),
    ] {
        let asked = guard.authorize::<()>(&mut parts).await;
        asked.expect_err(reason.as_str());
        provoked.note(&kept, &guard, reason).await;
    }
}

/// Callers who are known, and are refused all the same.
async fn callers(provoked: &mut Provoked) {
    let kept = Kept::default();
    let World { issuer, guard, .. } = world(&kept).await;
    let revocations = guard.revocations();
    let revoked = revocations.revoke_token(issuer.id(), &TokenId::new(REVOKED));
    revoked.expect("room");
    let token = || issuer.token().scope(T0);
    for (reason, token) in [
        (ReasonCode::Denied, token().subject(DENIED).mint()),
        (ReasonCode::InsufficientScope, token().mint()),
        (ReasonCode::Revoked, token().token_id(REVOKED).mint()),
    ] {
        let asked = ask::<FilesRead>(&guard, &token).await;
        asked.expect_err(reason.as_str());
        provoked.note(&kept, &guard, reason).await;
    }
    let kept = Kept::default();
    let limited = |builder: GuardBuilder<_, _>| builder.limit(Quota::per_hour(1));
    let World { issuer, guard, .. } =
        World::with(|builder| limited(builder).audit(kept.clone())).await;
    let token = issuer.token().mint();
    drop(ask::<()>(&guard, &token).await.expect("the first"));
    kept.only(&guard).await;
    ask::<()>(&guard, &token).await.expect_err("the second");
    provoked
        .note(&kept, &guard, ReasonCode::LimitExceeded)
        .await;
}

/// A tenant whose service asks the guard of another one.
async fn tenants(provoked: &mut Provoked) {
    let kept = Kept::default();
    let World { issuer, guard, .. } = world(&kept).await;
    let own =
        Guard::<Fixture>::builder("https://mcp.example.com/acme".parse().expect("a resource"));
    let own = own.issuer(issuer.id().clone()).build().expect("a guard");
    let asked = axum::routing::get(async |_: clearance::Authorized<()>| "let in");
    let service = Router::new()
        .route("/acme", asked)
        .with_state(guard.clone());
    let tenants = Tenants::builder("https://mcp.example.com/{tenant}").build();
    let tenants = tenants.expect("a place");
    let misbuilt = Tenant::new(&own, service);
    tenants.set(misbuilt).expect("it is there");
    let request = parts(
        "/acme",
        Some(format!("Bearer {}", issuer.token().mint()).as_bytes()),
    );
    let request = http::Request::from_parts(request, axum::body::Body::empty());
    let answer = tenants.oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 403);
    provoked.note(&kept, &guard, ReasonCode::OtherTenant).await;
}

/// What an issuer says that is asked.
async fn questions(provoked: &mut Provoked) {
    let endpoint = Endpoint::start().await;
    let kept = Kept::default();
    let rules = with_rules(endpoint.trusted(), endpoint.clock());
    let guard = rules.unlimited().audit(kept.clone());
    let guard = guard.build().expect("a guard");
    for (reason, answer) in [
        (
            ReasonCode::AnswerOfAnotherIssuer,
            endpoint.but(&json!({ "iss": "https://other.example" })),
        ),
        (
            ReasonCode::Inactive,
            endpoint.but(&json!({ "active": false })),
        ),
    ] {
        endpoint.answer_with(answer);
        let token = format!("opaque-{reason}");
        ask::<()>(&guard, &token).await.expect_err(reason.as_str());
        provoked.note(&kept, &guard, reason).await;
    }
}

/// Nobody can be asked for keys.
async fn outage(provoked: &mut Provoked) {
    let kept = Kept::default();
    let World {
        issuer,
        clock,
        guard,
        ..
    } = world(&kept).await;
    issuer.fault(Fault::Status(500));
    clock.advance(TimeDelta::days(1));
    let mut parts = parts_with(&issuer.token().mint());
    guard
        .authorize::<ToolsRead>(&mut parts)
        .await
        .expect_err("");
    provoked.note(&kept, &guard, ReasonCode::Unavailable).await;
}

/// What layers refuse by themselves.
async fn layers(provoked: &mut Provoked) {
    let site = Site::with(
        |builder| builder,
        |guard: &Guard<Fixture>| {
            let layer = plain::layer(guard).allow_host("t").max_body(4_096);
            layer.build().expect("a layer")
        },
    )
    .await;
    let ok = || site.world.call(WEATHER);
    let old = |call| Request::new(LEGACY, call).bearer(&site.token(T0));
    let none = |verb| Request::new(MODERN, verb);
    let foreign = ok().bytes();
    let foreign = String::from_utf8(foreign).expect("text");
    let foreign = foreign.replacen("host: t", "host: evil.example", 1);
    crate::support::raw(site.address, foreign.as_bytes()).await;
    provoked
        .note(&site.kept, &site.world.guard, ReasonCode::ForeignHost)
        .await;
    for (reason, request) in [
        (ReasonCode::ForeignOrigin, ok().with("origin", "null")),
        (ReasonCode::InsufficientScope, site.world.call(DELETE)),
        (ReasonCode::MalformedRequest, ok().body("{")),
        (
            ReasonCode::MediaType,
            ok().with("content-type", "text/plain"),
        ),
        (ReasonCode::MethodNotAllowed, old("PUT")),
        (ReasonCode::NoCredential, none(WEATHER)),
        (
            ReasonCode::NoSuchDocument,
            at(&format!("{M_PATH}?x"), none("GET")),
        ),
        (ReasonCode::UnknownName, site.world.call("no/such_method")),
        (
            ReasonCode::UnknownSession,
            old(WEATHER).with("mcp-session-id", "x.y"),
        ),
        (ReasonCode::UnreadBody, ok().body(&" ".repeat(5_000))),
    ] {
        site.send(&request).await;
        provoked.note(&site.kept, &site.world.guard, reason).await;
    }
    site.service.switch_protocols();
    site.send(&ok()).await;
    // It was let in before.
    let events = site.take().await;
    assert_eq!(
        super::fixture::lines(&events[..1]),
        ["allowed tools/call get_weather"]
    );
    assert_eq!(events[1]["reason"], "bad_gateway", "{events:#?}");
    assert_eq!(events.len(), 2);
    provoked.told.insert("bad_gateway".to_owned());
    provoked.counted.insert(ReasonCode::BadGateway);

    let kept = Kept::default();
    let world = world(&kept).await;
    let layer = plain::layer(&world.guard).require_tls(TlsEvidence::from_acceptor());
    let layer = layer.build().expect("a layer");
    let router: Router = site.service.router().layer(layer);
    let (address, task) = crate::support::spawn(router).await;
    crate::support::client::send(address, &world.call(WEATHER)).await;
    provoked
        .note(&kept, &world.guard, ReasonCode::NotEncrypted)
        .await;
    task.abort();
}
