//! What calls cost.

use chrono::TimeDelta;
use clearance::ConfigError;
use clearance::limit::{Quota, per_client};

use super::world::{ALL, FORMS, call, refused, server};
use crate::support::request::Request;
use crate::support::{clock, issuer_apart, strict};

const EXPORT: &str = "tools/call export";
const WHOAMI: &str = "tools/call whoami";

/// A call may count for several requests of its principal's quota.
#[tokio::test]
async fn a_tool_may_cost_more() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_second(1).burst(25))
                .cost_of_tool("export", 10)
        })
        .await;
        assert_eq!(refused(&server, "alice", EXPORT, 2).await, 0, "{form}");
        // Five are left: the request takes one of them before it is known what it asks for.
        assert_eq!(call(&server, "alice", EXPORT).await.status, 429, "{form}");
        assert_eq!(refused(&server, "alice", WHOAMI, 6).await, 2, "{form}");
        server.clock.advance(TimeDelta::seconds(10));
        assert_eq!(refused(&server, "alice", EXPORT, 2).await, 1, "{form}");
    }
}

/// Whoever waits as long as is said for a call that costs more is let in: the request is paid once more.
#[tokio::test]
async fn waiting_helps_for_what_costs_more() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_hour(10).burst(5))
                .cost_of_tool("export", 4)
        })
        .await;
        assert_eq!(refused(&server, "alice", WHOAMI, 3).await, 0, "{form}");
        let answer = call(&server, "alice", EXPORT).await;
        assert_eq!(answer.status, 429, "{form}");
        let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        server.clock.advance(TimeDelta::seconds(wait));
        assert_eq!(call(&server, "alice", EXPORT).await.status, 200, "{form}");
    }
}

/// A call that its principal cannot pay takes nothing of its tool's quota.
#[tokio::test]
async fn who_cannot_pay_keeps_what_a_tool_has() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_second(1).burst(5))
                .cost_of_tool("export", 5)
                .limit_tool("export", Quota::per_hour(1))
        })
        .await;
        assert_eq!(refused(&server, "alice", WHOAMI, 2).await, 0, "{form}");
        assert_eq!(refused(&server, "alice", EXPORT, 2).await, 2, "{form}");
        server.clock.advance(TimeDelta::seconds(10));
        assert_eq!(call(&server, "alice", EXPORT).await.status, 200, "{form}");
    }
}

/// Calls of a batch cost what they would cost alone, and all of it before any of them runs.
#[tokio::test]
async fn a_batch_costs_what_its_calls_cost() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_minute(20))
                .cost_of_tool("export", 5)
                .limit_tool("get_weather", Quota::per_minute(2))
        })
        .await;
        let send = async |batch: &str| {
            let token = server.scoped(ALL).subject("alice").mint();
            let request = Request::new("2025-03-26", batch).bearer(&token);
            server.send(&request).await.status
        };
        // Seven.
        assert_eq!(
            send("batch tools/call export + ping + ping").await,
            200,
            "{form}"
        );
        assert_eq!(server.log.take(), ["export"], "{form}");
        // Three of a tool that has two: nothing of it runs, and the request is paid.
        let weather = "tools/call get_weather";
        let three = format!("batch {weather} + {weather} + {weather}");
        assert_eq!(send(&three).await, 429, "{form}");
        assert!(server.log.take().is_empty(), "{form}");
        assert_eq!(
            send(&format!("batch {weather} + {weather}")).await,
            200,
            "{form}"
        );
        assert_eq!(refused(&server, "alice", weather, 1).await, 1, "{form}");
    }
}

/// A batch of calls that may not pass still counts as so many requests.
#[tokio::test]
async fn a_batch_that_is_refused_is_paid_as_well() {
    for form in FORMS {
        let server = server(form, |guard| guard.limit(Quota::per_minute(10))).await;
        let token = server.scoped("").subject("alice").mint();
        let batch = ["tools/call delete_file"; 8].join(" + ");
        let batch = Request::new("2025-03-26", &format!("batch {batch}")).bearer(&token);
        assert_eq!(server.send(&batch).await.status, 403, "{form}");
        assert_eq!(refused(&server, "alice", WHOAMI, 4).await, 2, "{form}");
    }
}

type Change = fn(super::world::Builder) -> super::world::Builder;

/// What could never be paid, or is nothing, is refused when the guard is made.
#[test]
fn prices_fit_the_quotas() {
    let clock = clock();
    let (_runtime, issuer) = issuer_apart(&clock);
    let of = |change: fn(super::world::Builder) -> super::world::Builder| {
        change(strict(&issuer, &clock)).build().map(drop)
    };
    let cases: [(Change, _); 13] = [
        (|b| b.cost_of_tool("a", 200), Ok(())),
        (|b| b.cost_of_tool("a", 201), Err(ConfigError::Quota)),
        (|b| b.cost_of_tool("a", 0), Err(ConfigError::Quota)),
        (
            |b| b.cost_of_tool("a", 1).cost_of_tool("a", 2),
            Err(ConfigError::Quota),
        ),
        (|b| b.cost_of_tool("a", 201).unlimited(), Ok(())),
        (
            |b| {
                b.cost_of_tool("a", 20)
                    .limit(per_client(Quota::per_minute(19)))
            },
            Err(ConfigError::Quota),
        ),
        (
            |b| b.limit(per_client(Quota::per_minute(0))),
            Err(ConfigError::Quota),
        ),
        (
            |b| b.limit_tool("a", Quota::per_minute(0)),
            Err(ConfigError::Quota),
        ),
        (
            |b| {
                b.limit_tool("a", Quota::per_minute(1))
                    .limit_tool("a", Quota::per_minute(2))
            },
            Err(ConfigError::Quota),
        ),
        (
            |b| {
                b.max_principals(0)
                    .unlimited()
                    .limit_tool("a", Quota::per_minute(1))
            },
            Err(ConfigError::Quota),
        ),
        (|b| b.calls_at_once(0), Err(ConfigError::Quota)),
        (|b| b.streams_at_once(0), Err(ConfigError::Quota)),
        (
            |b| b.peers(clearance::limit::Peers::of_connections().limit(Quota::per_minute(0))),
            Err(ConfigError::Quota),
        ),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(of(change), expected, "case {at}");
    }
}
