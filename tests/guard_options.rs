//! Each option of a guard's builder. Leeway, lifetime and age are in `token_times.rs`.
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

use std::sync::Arc;

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{Subject, TokenId};
use clearance::lifecycle::RevocationError;
use clearance::limit::Quota;
use clearance::{Guard, GuardBuilder, Ready};
use serde_json::{Value, json};
use support::tokens::{Table, reason, t0};
use support::{E, FilesRead, Fixture, M, M_PATH, Server, ToolsRead};

async fn with(
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Server {
    support::server_with(|rules| rules, change).await
}

/// How many of so many requests are let in before the first that is not.
async fn let_in(server: &Server, subject: &str, requests: u32) -> u32 {
    let token = t0(&server.issuer).subject(subject).mint();
    for count in 0..requests {
        match reason(&server.app.guard, &token).await {
            "authorized" => {}
            code => {
                assert_eq!(code, "limit_exceeded");
                return count;
            }
        }
    }
    requests
}

#[tokio::test]
async fn max_token_length() {
    let long = |server: &Server, length: usize| {
        let bare = t0(&server.issuer).claim("x", "").mint();
        // Three bytes more make four characters more.
        let token = t0(&server.issuer)
            .claim("x", "y".repeat((length - bare.len()) / 4 * 3))
            .mint();
        assert!(token.len().abs_diff(length) < 8, "{}", token.len());
        token
    };
    let server = with(|b| b).await;
    let table = Table::of(&server).await;
    table
        .accepts("just below 16 KiB", &long(&server, 16_376))
        .await;
    table
        .refuses("above", &long(&server, 16_400), "token_too_long")
        .await;
    table
        .refuses("20 KiB", &long(&server, 20_480), "token_too_long")
        .await;
    let server = with(|b| b.max_token_length(32 * 1024)).await;
    let table = Table::of(&server).await;
    table.accepts("20 KiB", &long(&server, 20_480)).await;
    table
        .refuses("40 KiB", &long(&server, 40_960), "token_too_long")
        .await;

    let server = with(|b| b.max_token_length(500)).await;
    let issuer = &server.issuer;
    let table = Table::of(&server).await;
    let token = (0..100_000)
        .map(|n| t0(issuer).token_id(&"x".repeat(n)).claim("x", "").mint())
        .find(|token| token.len() >= 497)
        .expect("a token");
    if token.len() <= 500 {
        table.accepts("at the limit", &token).await;
    }
    let garbage = |length| "x".repeat(length);
    table
        .refuses("at the limit", &garbage(500), "malformed_segments")
        .await;
    table
        .refuses("one more", &garbage(501), "token_too_long")
        .await;
}

#[tokio::test]
async fn limit_and_unlimited() {
    let server = with(|b| b.limit(Quota::per_minute(60).burst(2))).await;
    assert_eq!(let_in(&server, "alice", 5).await, 2);
    let ran = server.ran();
    let answer = server.get("/mcp", &t0(&server.issuer).mint()).await;
    assert_eq!((answer.status, answer.code()), (429, 42900));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(server.ran(), ran);
    assert_eq!(
        let_in(&server, "bob", 5).await,
        2,
        "each principal has its own"
    );
    server.clock.advance(TimeDelta::milliseconds(999));
    assert_eq!(let_in(&server, "alice", 5).await, 0);
    server.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(let_in(&server, "alice", 5).await, 1);

    let server = with(|b| b).await;
    assert_eq!(
        let_in(&server, "alice", 300).await,
        200,
        "unless said, 200 at once"
    );
    let server = with(GuardBuilder::unlimited).await;
    assert_eq!(let_in(&server, "alice", 300).await, 300);
    let server = with(|b| b.unlimited().limit(Quota::per_hour(1))).await;
    assert_eq!(
        let_in(&server, "alice", 3).await,
        1,
        "what is said last counts"
    );
}

#[tokio::test]
async fn max_principals() {
    let crowd = async |server: &Server| {
        for n in 0..50 {
            assert_eq!(let_in(server, &format!("u{n}"), 2).await, 1);
        }
    };
    let server = with(|b| b.limit(Quota::per_hour(1))).await;
    assert_eq!(let_in(&server, "alice", 2).await, 1);
    crowd(&server).await;
    assert_eq!(let_in(&server, "alice", 2).await, 0, "remembered");
    for most in [1, 2, 8] {
        let server = with(|b| b.limit(Quota::per_hour(1)).max_principals(most)).await;
        assert_eq!(let_in(&server, "alice", 2).await, 1);
        crowd(&server).await;
        assert_eq!(
            let_in(&server, "alice", 2).await,
            1,
            "forgotten with room for {most}"
        );
    }
}

#[tokio::test]
async fn max_revocations() {
    for (most, second) in [(1, Err(RevocationError::Full)), (2, Ok(()))] {
        let server = with(|b| b.max_revocations(most).max_lifetime(TimeDelta::hours(1))).await;
        let (issuer, revocations) = (&server.issuer, server.app.guard.revocations());
        let table = Table::of(&server).await;
        let named = |id| t0(issuer).token_id(id).mint();
        let (first, other) = (named("j1"), t0(issuer).subject("bob").mint());
        assert!(revocations.is_empty());
        assert_eq!(
            revocations.revoke_token(issuer.id(), &TokenId::new("j1")),
            Ok(())
        );
        assert_eq!(
            revocations.revoke_subject(issuer.id(), &Subject::new("bob")),
            second
        );
        table.refuses("the first", &first, "revoked").await;
        if second.is_ok() {
            table.refuses("the second", &other, "revoked").await;
        } else {
            table.accepts("not taken", &other).await;
        }
        // Saying it again needs no more room.
        assert_eq!(
            revocations.revoke_token(issuer.id(), &TokenId::new("j1")),
            Ok(())
        );
        assert_eq!(revocations.len(), most);
        // The longest lifetime, the leeway, and the 10 seconds that `iat` may lie ahead: so long can
        // a token live that the entry concerns. Then there is room again.
        let ahead = t0(issuer)
            .token_id("j1")
            .issued_at(server.clock.now() + TimeDelta::seconds(10));
        let ahead = ahead.lifetime(TimeDelta::hours(1)).mint();
        let carol = Subject::new("carol");
        server.clock.advance(TimeDelta::milliseconds(3_669_999));
        assert_eq!(
            revocations.revoke_subject(issuer.id(), &carol),
            Err(RevocationError::Full)
        );
        table.refuses("in its last moment", &ahead, "revoked").await;
        server.clock.advance(TimeDelta::milliseconds(2));
        assert_eq!(revocations.revoke_subject(issuer.id(), &carol), Ok(()));
        assert_eq!(revocations.len(), 1);
        table.refuses("dead", &ahead, "expired").await;
    }
}

#[tokio::test]
async fn deny_if() {
    let server = with(|b| {
        b.deny_if(|auth| auth.client().as_str() == "banned")
            .deny_if(|auth| auth.subject().as_str() == "mallory" && !auth.may::<FilesRead>())
    })
    .await;
    let issuer = &server.issuer;
    for (path, token) in [
        ("/mcp", t0(issuer).client("banned")),
        ("/mcp", t0(issuer).subject("mallory")),
        // Before scope: no scope would help.
        ("/delete", t0(issuer).client("banned")),
        ("/open", issuer.token().client("banned")),
    ] {
        let token = token.mint();
        let answer = server.get(path, &token).await;
        assert_eq!((answer.status, answer.code()), (403, 40301), "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), None);
        answer.assert_silent_about(&token);
        assert_eq!(server.ran(), 0);
    }
    let banned = t0(issuer).client("banned");
    server
        .get("/mcp", &banned.clone().expired().mint())
        .await
        .assert_401_inv();
    server.get("/mcp", &t0(issuer).mint()).await.assert_ok();
    let reader = t0(issuer)
        .subject("mallory")
        .scope("mcp:tools.read files:read");
    server.get("/mcp", &reader.mint()).await.assert_ok();
    let open = with(|b| b).await;
    open.get("/mcp", &t0(&open.issuer).client("banned").mint())
        .await
        .assert_ok();
}

#[tokio::test]
async fn challenge_per_operation() {
    let scope = "a mcp:tools.read x:unknown";
    let server = with(|b| b).await;
    let token = t0(&server.issuer).scope(scope).mint();
    let answer = server.get("/delete", &token).await;
    answer.assert_403("files:read files:write mcp:tools.read a");
    let server = with(GuardBuilder::challenge_per_operation).await;
    let token = t0(&server.issuer).scope(scope).mint();
    server
        .get("/delete", &token)
        .await
        .assert_403("files:read files:write");
    server.get("/mcp", &token).await.assert_ok();
}

#[tokio::test]
async fn root_alias() {
    const ROOT: &str = "/.well-known/oauth-protected-resource";
    let origin = "https://mcp.example.com";
    let server = with(|b| b).await;
    let table = Table::of(&server).await;
    let token = t0(&server.issuer).audience(origin).mint();
    table.refuses("the origin", &token, "other_resource").await;
    assert_eq!(server.get_bare(ROOT).await.status, 404);

    let server = with(GuardBuilder::root_alias).await;
    let table = Table::of(&server).await;
    for aud in [origin, E, "HTTPS://MCP.example.com"] {
        table
            .accepts(aud, &t0(&server.issuer).audience(aud).mint())
            .await;
    }
    for aud in [
        "https://mcp.example.com/",
        "https://mcp.example.com/x",
        "http://mcp.example.com",
    ] {
        let token = t0(&server.issuer).audience(aud).mint();
        table.refuses(aud, &token, "other_resource").await;
    }
    for (path, resource) in [(ROOT, origin), (M_PATH, E)] {
        let answer = server.get_bare(path).await;
        answer.assert_ok();
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["resource"], resource);
    }
}

#[tokio::test]
async fn baseline() {
    let advertised = async |server: &Server| {
        let challenge = server.get_bare("/mcp").await.challenge();
        let scope = challenge.iter().find(|(name, _)| name == "scope");
        let body = server.get_bare(M_PATH).await.body;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        (
            scope.map(|(_, value)| value.clone()),
            body["scopes_supported"].clone(),
        )
    };
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = Guard::<Fixture>::builder(support::resource())
        .clock(Arc::new(clock.clone()))
        .issuer(issuer.id().clone())
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let server = support::serve(issuer, clock, guard).await;
    assert_eq!(
        advertised(&server).await,
        (None, Value::Null),
        "nothing unless said"
    );
    let answer = server.get("/mcp", "x").await;
    let expected = [("error", "invalid_token"), ("resource_metadata", M)];
    assert_eq!(
        answer.challenge(),
        expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
    );

    let server = with(GuardBuilder::baseline::<(ToolsRead, FilesRead)>).await;
    let scope = Some("mcp:tools.read files:read".to_owned());
    assert_eq!(
        advertised(&server).await,
        (scope, json!(["mcp:tools.read", "files:read"]))
    );
}
