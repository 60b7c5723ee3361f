//! Quotas for methods, tools and scopes.

use chrono::TimeDelta;
use clearance::limit::{Quota, per_client};
use clearance::mcp::method::{CompletionComplete, LoggingSetLevel, ToolsCall};

use super::world::{ALL, FORMS, call, call_with, refused, server};
use crate::support::mcp::DENIED;
use crate::support::request::{MODERN, Request};
use crate::support::{FilesRead, FilesWrite};

const WEATHER: &str = "tools/call get_weather";
const WHOAMI: &str = "tools/call whoami";
const EXPORT: &str = "tools/call export";
const DELETE: &str = "tools/call delete_file";

/// RS-123: the fourth call of a minute is one too many, of this tool and of this principal alone, and the
/// clock gives it back.
#[tokio::test]
async fn a_tool_has_a_quota_of_its_own() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_tool("get_weather", Quota::per_minute(3))
        })
        .await;
        assert_eq!(refused(&server, "alice", WEATHER, 5).await, 2, "{form}");
        assert_eq!(server.log.take(), ["get_weather"; 3], "{form}");
        assert_eq!(refused(&server, "alice", WHOAMI, 5).await, 0, "{form}");
        assert_eq!(refused(&server, "bob", WEATHER, 4).await, 1, "{form}");
        server.clock.advance(TimeDelta::seconds(20));
        assert_eq!(refused(&server, "alice", WEATHER, 2).await, 1, "{form}");
    }
}

/// RS-123: calls of tools, completions and log levels are limited by their methods.
#[tokio::test]
async fn methods_have_quotas_of_their_own() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_method(ToolsCall, Quota::per_minute(3))
                .limit_method(CompletionComplete, Quota::per_minute(2))
                .limit_method(LoggingSetLevel, Quota::per_minute(1))
        })
        .await;
        let of = async |what| refused(&server, "alice", what, 4).await;
        // Whatever the tool is.
        assert_eq!(of(WEATHER).await, 1, "{form}");
        assert_eq!(of(WHOAMI).await, 4, "{form}");
        assert_eq!(of("completion/complete").await, 2, "{form}");
        assert_eq!(of("logging/setLevel").await, 3, "{form}");
        assert_eq!(of("tools/list").await, 0, "{form}");
    }
}

/// What needs a scope is counted together.
#[tokio::test]
async fn scopes_have_quotas_of_their_own() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_scope::<FilesRead>(Quota::per_minute(4))
                .limit_scope::<FilesWrite>(Quota::per_minute(2))
        })
        .await;
        let of = async |what, times| refused(&server, "alice", what, times).await;
        assert_eq!(of(EXPORT, 2).await, 0, "{form}");
        assert_eq!(of(DELETE, 3).await, 1, "{form}");
        // Two exports and three deletions have read.
        assert_eq!(of(EXPORT, 2).await, 2, "{form}");
        assert_eq!(of(WEATHER, 9).await, 0, "{form}");
    }
}

/// What is refused for another reason takes nothing of a tool's quota.
#[tokio::test]
async fn a_call_that_may_not_pass_takes_nothing() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_tool("delete_file", Quota::per_minute(1))
                .limit_method(ToolsCall, Quota::per_minute(2))
        })
        .await;
        for _ in 0..5 {
            let few = call_with(&server, DELETE, |token| {
                token.subject("alice").scope("files:read")
            });
            assert_eq!(few.await.status, 403, "{form}");
            let lost = server.token_of("expired", ALL);
            let lost = Request::new(MODERN, DELETE).bearer(&lost);
            assert_eq!(server.send(&lost).await.status, 401, "{form}");
            let fault = Request::new(MODERN, DELETE).bearer(&server.token(ALL));
            let fault = fault.with("mcp-name", "get_weather");
            assert_eq!(server.send(&fault).await.status, 400, "{form}");
            assert_ne!(
                call(&server, "alice", "tools/call nothing").await.status,
                429
            );
        }
        assert_eq!(refused(&server, "alice", DELETE, 2).await, 1, "{form}");
        assert_eq!(server.log.take(), ["delete_file"], "{form}");
    }
}

/// Nor does one in a session that is over, or of somebody whom a rule denies.
#[tokio::test]
async fn a_call_in_a_dead_session_takes_nothing() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_tool("get_weather", Quota::per_minute(1))
        })
        .await;
        let token = server.scoped(ALL).subject("alice").mint();
        let dead = Request::new("2025-11-25", WEATHER).bearer(&token);
        let dead = dead.with("mcp-session-id", "gone.AAAA");
        for _ in 0..3 {
            assert_eq!(server.send(&dead).await.status, 404, "{form}");
            assert_eq!(call(&server, DENIED, WEATHER).await.status, 403, "{form}");
        }
        assert_eq!(refused(&server, "alice", WEATHER, 2).await, 1, "{form}");
    }
}

/// RS-128: what a caller can choose freely is no key: neither a session, nor a header, nor another token.
#[tokio::test]
async fn nothing_that_a_caller_chooses_begins_a_quota_anew() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_tool("get_weather", Quota::per_minute(3))
        })
        .await;
        let mut statuses = Vec::new();
        for number in 0..6 {
            let token = server
                .scoped(ALL)
                .subject("alice")
                .token_id(&format!("t{number}"));
            let request = Request::new(MODERN, WEATHER).bearer(&token.mint());
            let request = request
                .with("mcp-session-id", &format!("session-{number}"))
                .with("x-forwarded-for", &format!("192.0.2.{number}"))
                .with("user-agent", &format!("agent {number}"))
                .with("traceparent", &format!("00-{number:032x}-{number:016x}-01"));
            statuses.push(server.send(&request).await.status);
        }
        assert_eq!(statuses, [200, 200, 200, 429, 429, 429], "{form}");
    }
}

/// RS-128: a header that does not say what the body says is refused, and counts for nobody.
#[tokio::test]
async fn the_body_says_which_tool_is_called() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_tool("get_weather", Quota::per_minute(1))
        })
        .await;
        for _ in 0..3 {
            let token = server.scoped(ALL).subject("alice").mint();
            let lie = Request::new(MODERN, WHOAMI).bearer(&token);
            let lie = lie.with("mcp-name", "get_weather");
            assert_eq!(server.send(&lie).await.status, 400, "{form}");
        }
        assert_eq!(refused(&server, "alice", WEATHER, 2).await, 1, "{form}");
        // Also where there is no header for it.
        let token = server.scoped(ALL).subject("bob").mint();
        let old = Request::new("2025-03-26", WEATHER).bearer(&token);
        assert_eq!(server.send(&old).await.status, 200, "{form}");
        assert_eq!(server.send(&old).await.status, 429, "{form}");
    }
}

/// A client's quota is for all whom it speaks for.
#[tokio::test]
async fn a_client_has_a_quota_for_all_its_users() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_minute(3))
                .limit(per_client(Quota::per_minute(5)))
        })
        .await;
        let of = async |who: &'static str, client: &'static str| {
            call_with(&server, WHOAMI, |token| token.subject(who).client(client))
                .await
                .status
        };
        for expected in [200, 200, 200, 429] {
            assert_eq!(of("alice", "one").await, expected, "{form}");
        }
        for expected in [200, 200, 429] {
            assert_eq!(of("bob", "one").await, expected, "{form}");
        }
        assert_eq!(of("bob", "two").await, 200, "{form}");
    }
}
