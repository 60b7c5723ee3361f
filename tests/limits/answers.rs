//! What whoever asks too often is told.

use chrono::TimeDelta;
use clearance::limit::{LimitedBy, Quota};
use serde_json::json;
use sfv::{BareItem, List, ListEntry, Parser};

use super::world::{FORMS, call, call_with, server};
use crate::support::Answer;
use crate::support::request::{MODERN, Request, error_of};

const WEATHER: &str = "tools/call get_weather";

/// The one policy of a list, with its numbers.
fn only(answer: &Answer, name: &str) -> (String, Vec<(String, String)>) {
    let value = answer.header(name).expect("the field");
    let list: List = Parser::new(value).parse().expect("a structured field");
    let [ListEntry::Item(item)] = &list[..] else {
        panic!("one item: {value}");
    };
    let BareItem::String(policy) = &item.bare_item else {
        panic!("a text: {value}");
    };
    let parameters = item.params.iter().map(|(key, value)| {
        let value = match value {
            BareItem::Integer(number) => number.to_string(),
            BareItem::String(text) => text.as_str().to_owned(),
            other => panic!("a number or a text: {other:?}"),
        };
        (key.as_str().to_owned(), value)
    });
    (policy.as_str().to_owned(), parameters.collect())
}

fn pair(key: &str, value: u64) -> (String, String) {
    (key.to_owned(), value.to_string())
}

/// RS-124: who waits as long as the answer says is let in, and no moment sooner; nobody stores it.
#[tokio::test]
async fn waiting_helps() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .unlimited()
                .limit_tool("get_weather", Quota::per_minute(7).burst(1))
        })
        .await;
        for _ in 0..3 {
            assert_eq!(call(&server, "alice", WEATHER).await.status, 200, "{form}");
            let refused = call(&server, "alice", WEATHER).await;
            assert_eq!(refused.status, 429, "{form}");
            assert_eq!(refused.header("cache-control"), Some("no-store"), "{form}");
            assert_eq!(refused.header("www-authenticate"), None, "{form}");
            // 60 / 7 seconds, rounded up.
            assert_eq!(refused.header("retry-after"), Some("9"), "{form}");
            server.clock.advance(TimeDelta::milliseconds(8_571));
            let early = call(&server, "alice", WEATHER).await;
            assert_eq!(
                (early.status, early.header("retry-after")),
                (429, Some("1"))
            );
            server.clock.advance(TimeDelta::milliseconds(429));
        }
    }
}

/// RS-125: the fields parse, and say what the body says.
#[tokio::test]
async fn answers_describe_the_limit() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard
                .limit(Quota::per_second(1).burst(5))
                .limit_tool("get_weather", Quota::per_minute(3))
        })
        .await;
        for _ in 0..3 {
            call(&server, "alice", WEATHER).await;
        }
        let refused = call(&server, "alice", WEATHER).await;
        let policy = only(&refused, "ratelimit-policy");
        assert_eq!(
            policy,
            ("tool".to_owned(), vec![pair("q", 3), pair("w", 60)])
        );
        let state = only(&refused, "ratelimit");
        assert_eq!(
            state,
            ("tool".to_owned(), vec![pair("r", 0), pair("t", 20)])
        );
        assert_eq!(refused.header("retry-after"), Some("20"), "{form}");
        let error = &error_of(&refused)["error"];
        assert_eq!(error["code"], 42900, "{form}");
        assert_eq!(error["message"], "too many requests", "{form}");
        assert_eq!(error["data"]["retryAfter"], 20, "{form}");
        let numbers = json!({ "policy": "tool", "quota": 3, "window": 60, "remaining": 0 });
        assert_eq!(error["data"]["rateLimit"], numbers, "{form}");
        assert!(error["data"]["correlationId"].is_string(), "{form}");
        // It is about the request: its id comes back.
        let body: serde_json::Value = serde_json::from_str(&refused.body).expect("JSON");
        assert_eq!(body["id"], 1, "{form}");
        // The principal's own quota, of which no message is read.
        call(&server, "alice", "tools/call whoami").await;
        let refused = call(&server, "alice", "tools/call whoami").await;
        let policy = only(&refused, "ratelimit-policy");
        assert_eq!(
            policy,
            ("principal".to_owned(), vec![pair("q", 1), pair("w", 1)])
        );
        assert_eq!(refused.header("retry-after"), Some("1"), "{form}");
    }
}

/// RS-125: whatever the quota, its reset is no later than `Retry-After`, and the numbers are whole.
#[tokio::test]
async fn resets_never_contradict() {
    for quota in [
        Quota::per_second(1_000).burst(1),
        Quota::per_second(1),
        Quota::per_minute(7).burst(2),
        Quota::per_hour(1),
        Quota::per_hour(5).burst(1),
    ] {
        let server = server("layer", |guard| guard.limit(quota)).await;
        let refused = loop {
            let answer = call(&server, "alice", "tools/call whoami").await;
            if answer.status == 429 {
                break answer;
            }
        };
        let (_, state) = only(&refused, "ratelimit");
        let seconds: u64 = state[1].1.parse().expect("a number");
        let retry: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(
            (1..=retry).contains(&seconds),
            "{quota:?}: {seconds} {retry}"
        );
    }
}

/// Each kind of limit says its own name.
#[tokio::test]
async fn policies_have_names() {
    let mut names: Vec<&str> = LimitedBy::ALL.iter().map(|by| by.as_str()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    let server = server("router", |guard| {
        guard
            .unlimited()
            .limit_scope::<crate::support::FilesRead>(Quota::per_minute(1))
            .limit_method(clearance::mcp::method::ToolsList, Quota::per_minute(1))
    })
    .await;
    for (what, name) in [("tools/call export", "scope"), ("tools/list", "method")] {
        call(&server, "alice", what).await;
        let refused = call(&server, "alice", what).await;
        assert_eq!(only(&refused, "ratelimit").0, name);
    }
}

/// A page of another origin that is let in may read the numbers.
#[tokio::test]
async fn pages_may_read_the_numbers() {
    let server = super::world::serve(
        |guard| guard.limit(Quota::per_minute(1)),
        |guard, log| {
            let layer = crate::support::plain::layer(guard).allow_origin("https://app.example.com");
            let layer = layer.build().expect("a layer");
            crate::support::plain::application(log).layer(layer)
        },
    )
    .await;
    call_with(&server, "tools/call whoami", |token| token).await;
    let request = Request::new(MODERN, "tools/call whoami").bearer(&server.token(""));
    let request = request.with("origin", "https://app.example.com");
    let refused = server.send(&request).await;
    assert_eq!(refused.status, 429);
    let readable = refused.header("access-control-expose-headers").unwrap();
    for name in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
        assert!(
            readable.split(", ").any(|known| known == name),
            "{name}: {readable}"
        );
    }
}
