//! Decisions of a guard that is asked by extractors.

use chrono::TimeDelta;
use clearance::GuardBuilder;
use clearance::clock::Clock as _;
use clearance::id::Subject;
use clearance::limit::Quota;
use clearance::testing::{Fault, TokenBuilder};
use serde_json::{Value, json};

use super::fixture::{Kept, decided, golden, of_alice};
use crate::endpoint::{Endpoint, Reply};
use crate::support::http::{ask, bearer, request};
use crate::support::mcp::DENIED;
use crate::support::{self, E, Server, TRACE_PARENT, ToolsRead};

const READ: &str = "mcp:tools.read";

async fn server(kept: &Kept) -> Server {
    let kept = kept.clone();
    support::server_with(
        |rules| rules,
        |builder| {
            let builder = GuardBuilder::unlimited(builder).audit(kept);
            builder.deny_if(|auth| auth.subject().as_str() == DENIED)
        },
    )
    .await
}

/// RS-149: one event for each decision, to the letter: who asked for what, what was decided, why, and
/// what ties it together.
#[tokio::test]
async fn each_decision_is_one_event() {
    let kept = Kept::default();
    let server = server(&kept).await;
    let issuer = &server.issuer;
    let guard = &server.app.guard;
    let token = || issuer.token().scope(READ);
    let good = token().mint();
    let alice = |members: Value| of_alice(issuer, READ, &members);
    let refused = |reason: &str| golden(&json!({ "decision": "refused", "reason": reason }));
    let genuine = |reason: &str| {
        let members = json!({ "decision": "refused", "reason": reason });
        of_alice(issuer, "", &members)
    };
    let judged = |members: Value| {
        let mut event = golden(&members);
        event["decision"] = "refused".into();
        event["issuer"] = issuer.id().as_str().into();
        event
    };
    let revoked = Subject::new("rita");
    let revocations = guard.revocations();
    revocations
        .revoke_subject(issuer.id(), &revoked)
        .expect("room");
    let unknown = token().header("kid", "es256-9").mint();
    for (path, token, expected) in [
        (
            "/mcp",
            good.clone(),
            alice(json!({ "decision": "allowed", "needed": READ })),
        ),
        (
            "/mcp",
            good.clone(),
            alice(json!({ "decision": "allowed", "needed": READ, "from_cache": true })),
        ),
        // No scope is needed, and none is named.
        (
            "/open",
            good.clone(),
            alice(json!({ "decision": "allowed", "from_cache": true })),
        ),
        (
            "/delete",
            good.clone(),
            alice(json!({
                "decision": "refused",
                "reason": "insufficient_scope",
                "needed": "files:read files:write",
                "from_cache": true,
            })),
        ),
        (
            "/open",
            token().subject(DENIED).mint(),
            alice(json!({ "decision": "refused", "reason": "denied", "subject": DENIED })),
        ),
        (
            "/open",
            token().subject("rita").mint(),
            alice(json!({ "decision": "refused", "reason": "revoked", "subject": "rita" })),
        ),
        // Of whom a token speaks that is not genuine is not written down.
        (
            "/open",
            token().wrong_signature().mint(),
            judged(json!({ "reason": "bad_signature" })),
        ),
        (
            "/open",
            token().wrong_audience().mint(),
            genuine("other_resource"),
        ),
        ("/open", token().expired().mint(), genuine("expired")),
        (
            "/open",
            token().header("typ", "logout+jwt").mint(),
            genuine("foreign_type"),
        ),
        (
            "/open",
            token().claim("iss", "https://a.example").mint(),
            refused("unknown_issuer"),
        ),
        ("/open", "a.b.c".to_owned(), refused("malformed_base64")),
        (
            "/open",
            unknown,
            judged(json!({ "reason": "unknown_key", "unknown_key": "es256-9" })),
        ),
    ] {
        server.get(path, &token).await;
        assert_eq!(kept.only(guard).await, expected, "{path}");
    }
    server.get_bare("/open").await;
    assert_eq!(kept.only(guard).await, refused("no_credential"));
    let lines = [TRACE_PARENT.to_owned(), bearer(&good), bearer(&good)];
    server.raw(&request("GET /open", &lines)).await;
    assert_eq!(kept.only(guard).await, refused("repeated_credential"));
}

/// RS-149: a token that was known to be dead is remembered as such.
#[tokio::test]
async fn a_dead_token_may_be_remembered() {
    let kept = Kept::default();
    let server = server(&kept).await;
    let expired = server.issuer.token().expired().mint();
    for from_cache in [false, true] {
        server.get("/open", &expired).await;
        let event = kept.only(&server.app.guard).await;
        let members = json!({
            "decision": "refused",
            "reason": "expired",
            "from_cache": from_cache,
        });
        assert_eq!(event, of_alice(&server.issuer, "", &members));
    }
    // One that was let in, and died.
    let dies = server.clock.now().checked_add_signed(TimeDelta::seconds(5));
    let token = server.issuer.token().scope(READ);
    let token = token.expires_at(dies.expect("a time")).mint();
    server.get("/open", &token).await.assert_ok();
    kept.only(&server.app.guard).await;
    server.clock.advance(TimeDelta::seconds(65));
    server.get("/open", &token).await;
    let members = json!({
        "at": "2026-01-01T00:01:05.000000Z",
        "decision": "refused",
        "reason": "expired",
        "from_cache": true,
    });
    let event = kept.only(&server.app.guard).await;
    assert_eq!(event, of_alice(&server.issuer, READ, &members));
}

/// RS-149: who has used up a quota is named.
#[tokio::test]
async fn a_quota_that_is_used_up_is_one_event() {
    let kept = Kept::default();
    let quota = Quota::per_hour(1);
    let limited = |builder: GuardBuilder<_, _>| builder.limit(quota).audit(kept.clone());
    let server = support::server_with(|rules| rules, limited).await;
    let token = server.issuer.token().mint();
    server.get("/open", &token).await.assert_ok();
    kept.only(&server.app.guard).await;
    assert_eq!(server.get("/open", &token).await.status, 429);
    let members = json!({
        "decision": "refused",
        "reason": "limit_exceeded",
        "cause": "principal",
        "from_cache": true,
    });
    let expected = of_alice(&server.issuer, "", &members);
    assert_eq!(kept.only(&server.app.guard).await, expected);
}

/// RS-149: where nobody can decide, the event says what is missing, and whose tokens it is about.
#[tokio::test]
async fn what_cannot_be_decided_is_one_event() {
    let kept = Kept::default();
    let server = server(&kept).await;
    server.issuer.fault(Fault::Status(500));
    server.clock.advance(TimeDelta::days(1));
    let token = server.issuer.token().mint();
    assert_eq!(server.get("/open", &token).await.status, 503);
    let expected = golden(&json!({
        "at": "2026-01-02T00:00:00.000000Z",
        "decision": "unavailable",
        "reason": "unavailable",
        "cause": "unexpected_status",
        "issuer": server.issuer.id().as_str(),
    }));
    assert_eq!(kept.only(&server.app.guard).await, expected);
}

/// RS-149: an event says how long it took to decide, also where somebody had to be asked.
#[tokio::test]
async fn an_event_says_how_long_it_took() {
    let endpoint = Endpoint::start().await;
    let kept = Kept::default();
    let guard = support::with_rules(endpoint.trusted(), endpoint.clock());
    let guard = guard.unlimited().audit(kept.clone()).build();
    let guard = guard.expect("a guard");
    guard.ready().await.expect("a place");
    let right = endpoint.but(&json!({}));
    endpoint.answer([Reply::Late(right)]);
    let asks = ask::<ToolsRead>(&guard, "opaque");
    let answers = async {
        support::http::eventually(|| endpoint.asked() == 1).await;
        endpoint.clock().advance(TimeDelta::milliseconds(1_500));
        endpoint.let_through(1);
    };
    let (proof, ()) = tokio::join!(asks, answers);
    drop(proof.expect("a proof"));
    let event = kept.only(&guard).await;
    assert_eq!(event["duration_us"], 1_500_000);
    assert_eq!(event["at"], "2026-01-01T00:00:01.500000Z");
    // Nobody has signed it.
    assert!(event.get("key_id").is_none(), "{event:#}");
    assert_eq!(event["subject"], "u1");
}

/// RS-149: of a token that its issuer was asked about, too, as much is written down as the issuer says.
#[tokio::test]
async fn an_answer_says_whose_token_is_refused() {
    let endpoint = Endpoint::start().await;
    let kept = Kept::default();
    let guard = support::with_rules(endpoint.trusted(), endpoint.clock());
    let guard = guard.unlimited().audit(kept.clone()).build();
    let guard = guard.expect("a guard");
    let foreign = endpoint.but(&json!({ "aud": "https://other.example" }));
    for (answer, reason, subject) in [
        (r#"{"active":false}"#.to_owned(), "inactive", None),
        (foreign, "other_resource", Some("u1")),
    ] {
        endpoint.answer_with(answer);
        for _ in 0..2 {
            let refused = ask::<ToolsRead>(&guard, reason).await;
            refused.expect_err("no token for here");
            let event = kept.only(&guard).await;
            assert_eq!(event["issuer"], endpoint.issuer().as_str());
            let first = [event["reason"].as_str(), event["subject"].as_str()];
            let remembered = [Some("inactive"), None];
            assert!(
                first == [Some(reason), subject] || first == remembered,
                "{event:#}"
            );
        }
        assert_eq!(endpoint.asked(), if subject.is_none() { 1 } else { 2 });
    }
}

/// RS-149: the same words stand in `tracing`, at a level of their own for each decision.
#[tokio::test]
async fn each_decision_is_one_record() {
    let logs = support::Logs::capture();
    let kept = Kept::default();
    let server = server(&kept).await;
    let token = |scope: &str| server.issuer.token().scope(scope);
    let good = token(READ).mint();
    let issuer = server.issuer.id().to_string();
    let at = format!(r#"resource="{E}""#);
    let whose = format!(r#"{at} issuer="{issuer}" subject="alice" client="client-1""#);
    let end = r#"duration_us=0 correlation_id="4bf92f3577b34da6a3ce929d0e0e4736""#;
    let of = |token: TokenBuilder<'_>| token.mint();
    for (path, token, record) in [
        (
            "/mcp",
            good.clone(),
            format!(
                r#"DEBUG clearance: decision="allowed" {whose} needed="{READ}" held="{READ}" key_id="es256-1" from_cache=false {end}"#
            ),
        ),
        (
            "/delete",
            good.clone(),
            format!(
                r#" INFO clearance: decision="refused" reason="insufficient_scope" {whose} needed="files:read files:write" held="{READ}" key_id="es256-1" from_cache=true {end}"#
            ),
        ),
        (
            "/mcp",
            of(token(READ).wrong_signature()),
            format!(
                r#" INFO clearance: decision="refused" reason="bad_signature" {at} issuer="{issuer}" from_cache=false {end}"#
            ),
        ),
    ] {
        let before = logs.text().len();
        server.get(path, &token).await;
        let text = logs.text().split_off(before);
        let ours: Vec<&str> = text
            .lines()
            .filter(|line| line.contains(" clearance: "))
            .collect();
        assert_eq!(ours.len(), 1, "{text}");
        assert!(ours[0].ends_with(&record), "{}\n{record}", ours[0]);
    }
    server.issuer.stop().await;
    server.clock.advance(TimeDelta::days(1));
    server.get("/mcp", &token(READ).mint()).await;
    let text = logs.text();
    let last = text.lines().last().expect("a record");
    let record =
        r#"ERROR clearance: decision="unavailable" reason="unavailable" cause="connection_failed""#;
    assert!(last.contains(record), "{last}");
}

/// A proof that two guards are asked for is two decisions, each in the log of its own guard.
#[tokio::test]
async fn guards_write_for_themselves() {
    let (first, second) = (Kept::default(), Kept::default());
    let server = server(&first).await;
    let other = support::strict(&server.issuer, &server.clock);
    let other = other.audit(second.clone()).build().expect("a guard");
    let token = server.issuer.token().scope(READ).mint();
    drop(ask::<ToolsRead>(&other, &token).await.expect("a proof"));
    assert_eq!(first.take(&server.app.guard).await, Vec::<Value>::new());
    assert_eq!(second.take(&other).await.len(), 1);
    assert_eq!(decided(&other.health().decisions), 1);
}
