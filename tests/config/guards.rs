//! What a text says about the guard.

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{Subject, TokenId};
use clearance::lifecycle::RevocationError;

use super::fixture::{about, guard, read, server};
use crate::support::tokens::{Table, reason, t0};
use crate::support::{self, E, Server};

/// How many requests of one subject are let in before one that is not.
async fn let_in(server: &Server, subject: &str, most: u32) -> u32 {
    let token = t0(&server.issuer).subject(subject).mint();
    for count in 0..most {
        match reason(&server.app.guard, &token).await {
            "authorized" => {}
            code => {
                assert_eq!(code, "limit_exceeded");
                return count;
            }
        }
    }
    most
}

#[tokio::test]
async fn resource_and_issuers() {
    let two = about("", "\n[[issuers]]\nidentifier = \"http://127.0.0.1:1/b\"");
    let guard = guard(&two, &support::clock());
    assert_eq!(guard.resource().as_str(), E);
    let issuers: Vec<_> = guard.issuers().map(clearance::id::Issuer::as_str).collect();
    assert_eq!(issuers, ["https://as.example.com", "http://127.0.0.1:1/b"]);
}

#[tokio::test]
async fn root_alias() {
    let origin = "https://mcp.example.com";
    for (line, code) in [
        ("", "other_resource"),
        ("root_alias = false", "other_resource"),
        ("root_alias = true", "authorized"),
    ] {
        let server = server(line, "").await;
        let token = t0(&server.issuer).audience(origin).mint();
        assert_eq!(reason(&server.app.guard, &token).await, code, "{line}");
    }
}

#[tokio::test]
async fn baseline() {
    let server = server("", "").await;
    server.get_bare("/mcp").await.assert_401_none();
    let clock = support::clock();
    for (baseline, expected) in [
        ("[]", None),
        ("[\"files:write\"]", Some("files:write")),
        ("[\"b\", \"files:read\"]", Some("b files:read")),
    ] {
        let issuer = support::issuer(&clock).await;
        let guard = guard(&about(&format!("baseline = {baseline}"), ""), &clock);
        let server = support::serve(issuer, clock.clone(), guard).await;
        let challenge = server.get_bare("/mcp").await.challenge();
        let scope = challenge.iter().find(|(name, _)| name == "scope");
        let scope = scope.map(|(_, value)| value.as_str());
        assert_eq!(scope, expected, "{baseline}");
    }
}

#[tokio::test]
async fn leeway_seconds() {
    for (line, leeway) in [
        ("", 60),
        ("leeway_seconds = 0", 0),
        ("leeway_seconds = 7", 7),
        ("leeway_seconds = 300", 300),
    ] {
        let server = server(line, "").await;
        let ended = |seconds| {
            let end = server.clock.now() - TimeDelta::seconds(seconds);
            let begin = server.clock.now() - TimeDelta::minutes(20);
            let token = t0(&server.issuer).issued_at(begin);
            token.expires_at(end).mint()
        };
        let table = Table::of(&server).await;
        table.accepts(line, &ended(leeway - 1)).await;
        table.refuses(line, &ended(leeway), "expired").await;
    }
}

#[tokio::test]
async fn max_lifetime_seconds() {
    for (line, longest) in [
        ("", 86_400),
        ("max_lifetime_seconds = 61", 61),
        ("max_lifetime_seconds = 631_152_000_000", 4_000_000_000),
    ] {
        let server = server(line, "").await;
        let lives = |seconds| {
            let token = t0(&server.issuer).issued_at(server.clock.now());
            let end = server.clock.now() + TimeDelta::seconds(seconds);
            token.expires_at(end).mint()
        };
        let table = Table::of(&server).await;
        table.accepts(line, &lives(longest)).await;
        if longest <= 86_400 {
            let longer = lives(longest + 1);
            table.refuses(line, &longer, "lives_too_long").await;
        }
    }
}

#[tokio::test]
async fn max_age_seconds() {
    for (line, code) in [
        ("", "authorized"),
        ("max_age_seconds = 7000", "too_old"),
        ("max_age_seconds = 7200", "authorized"),
    ] {
        let server = server(line, "").await;
        let begin = server.clock.now() - TimeDelta::hours(2);
        let end = server.clock.now() + TimeDelta::minutes(5);
        let token = t0(&server.issuer).issued_at(begin).expires_at(end).mint();
        assert_eq!(reason(&server.app.guard, &token).await, code, "{line}");
    }
}

#[tokio::test]
async fn max_token_length() {
    for (line, most) in [
        ("", 16_384),
        ("max_token_length = 1", 1),
        ("max_token_length = 1_048_576", 1_048_576),
    ] {
        let server = server(line, "").await;
        for (length, code) in [(most, "malformed_segments"), (most + 1, "token_too_long")] {
            let token = "x".repeat(length);
            assert_eq!(reason(&server.app.guard, &token).await, code, "{line}");
        }
    }
}

#[tokio::test]
async fn limit() {
    for (line, most) in [
        ("", 200),
        ("limit = { requests = 3, per = \"minute\" }", 3),
        ("limit = { requests = 60, per = \"minute\", burst = 2 }", 2),
        ("limit = \"unlimited\"", 300),
    ] {
        let server = server(line, "").await;
        assert_eq!(let_in(&server, "alice", 300).await, most, "{line}");
        assert_eq!(let_in(&server, "bob", 300).await, most, "{line}");
    }
}

/// One request a second, a minute or an hour.
#[tokio::test]
async fn limit_per() {
    for (per, seconds) in [("second", 1), ("minute", 60), ("hour", 3_600)] {
        let line =
            format!("limit = {{ requests = 1, per = \"{per}\" }}\nmax_lifetime_seconds = 9000");
        let server = server(&line, "").await;
        let end = server.clock.now() + TimeDelta::hours(2);
        let token = t0(&server.issuer).expires_at(end).mint();
        let guard = &server.app.guard;
        assert_eq!(reason(guard, &token).await, "authorized", "{per}");
        server
            .clock
            .advance(TimeDelta::milliseconds(seconds * 1_000 - 1));
        assert_eq!(reason(guard, &token).await, "limit_exceeded", "{per}");
        server.clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(reason(guard, &token).await, "authorized", "{per}");
    }
}

#[tokio::test]
async fn max_principals() {
    let quota = "limit = { requests = 1, per = \"hour\" }\n";
    for (line, again) in [("", 0), ("max_principals = 4", 1)] {
        let server = server(&format!("{quota}{line}"), "").await;
        assert_eq!(let_in(&server, "alice", 2).await, 1);
        for n in 0..50 {
            assert_eq!(let_in(&server, &format!("u{n}"), 2).await, 1);
        }
        assert_eq!(let_in(&server, "alice", 2).await, again, "{line}");
    }
}

#[tokio::test]
async fn max_cached_tokens() {
    for (line, tokens) in [("", 1), ("max_cached_tokens = 0", 0)] {
        let server = server(line, "").await;
        assert_eq!(let_in(&server, "alice", 2).await, 2);
        assert_eq!(server.app.guard.cache_stats().tokens, tokens, "{line}");
    }
}

#[tokio::test]
async fn max_revocations() {
    for (line, second) in [
        ("", Ok(())),
        ("max_revocations = 1", Err(RevocationError::Full)),
    ] {
        let server = server(line, "").await;
        let (issuer, revocations) = (server.issuer.id(), server.app.guard.revocations());
        let first = revocations.revoke_token(issuer, &TokenId::new("j1"));
        assert_eq!(first, Ok(()), "{line}");
        let other = revocations.revoke_subject(issuer, &Subject::new("bob"));
        assert_eq!(other, second, "{line}");
    }
}

#[tokio::test]
async fn challenge_per_operation() {
    for (line, scopes) in [
        ("", "files:read files:write mcp:tools.read"),
        ("challenge_per_operation = true", "files:read files:write"),
    ] {
        let server = server(line, "").await;
        let answer = server.get("/delete", &t0(&server.issuer).mint()).await;
        answer.assert_403(scopes);
    }
}

/// What is code is said to the builder, which is the one that code begins with.
#[tokio::test]
async fn code_can_go_on_where_the_text_ends() {
    #[derive(serde::Deserialize)]
    struct Tenant {
        tenant: String,
    }
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let text = super::fixture::text(issuer.id().as_str(), "leeway_seconds = 5", "");
    let mut asked = Vec::new();
    let builder = read(&text).builder_with::<support::Fixture>(|identifier, issuer| {
        asked.push(identifier.clone());
        issuer.extra_claims::<Tenant>()
    });
    assert_eq!(asked, [issuer.id().clone()]);
    let builder = builder
        .expect("a builder")
        .clock(std::sync::Arc::new(clock));
    let guard = builder
        .deny_if(|caller| caller.subject().as_str() == "mallory")
        .unlimited()
        .build()
        .expect("a guard");
    let token = |who| t0(&issuer).subject(who).claim("tenant", "acme").mint();
    let auth = support::tokens::ask(&guard, &token("alice")).await;
    let auth = auth.expect("a proof");
    let tenant = auth.claims::<Tenant>().map(|claims| claims.tenant.as_str());
    assert_eq!(tenant, Some("acme"));
    assert_eq!(reason(&guard, &token("mallory")).await, "denied");
    let bare = t0(&issuer).mint();
    assert_ne!(reason(&guard, &bare).await, "authorized");
}
