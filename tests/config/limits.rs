//! What a text says about limits.

use super::fixture::{about, guard, read, text};
use super::refusals::at;
use crate::support::client::send;
use crate::support::mcp::{Log, router};
use crate::support::request::{MODERN, Request};
use crate::support::{self, Fixture};

fn refused(lines: &str) -> (String, String) {
    let error = read(&about(lines, ""))
        .builder::<Fixture>()
        .expect_err("a fault");
    let key = error.key().to_owned();
    let text = error.to_string();
    let message = text.strip_prefix(&format!("`{key}`: ")).expect("the key");
    (key, message.to_owned())
}

const ALL: &str = "mcp:tools.read files:read files:write mcp:admin a b";

/// Which limit ends it, and after how many calls.
async fn ends(lines: &str, calls: &[&str]) -> (usize, String) {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = guard(&text(issuer.id().as_str(), lines, ""), &clock);
    guard.ready().await.expect("keys");
    let router = router(&guard, &Log::default()).build().expect("a router");
    let (address, task) = support::spawn(router).await;
    let _task = support::Held::from(task);
    let token = issuer.token().scope(ALL).mint();
    for (count, call) in calls.iter().cycle().enumerate().take(40) {
        let answer = send(address, &Request::new(MODERN, call).bearer(&token)).await;
        if answer.status == 429 {
            let policy = answer.header("ratelimit-policy").expect("a policy");
            return (count, policy.to_owned());
        }
        assert_eq!(answer.status, 200, "{lines}");
    }
    panic!("no end: {lines}")
}

#[tokio::test]
async fn each_key_limits() {
    let calls = [
        "tools/call whoami",
        "tools/call export",
        "completion/complete",
    ];
    for (lines, count, policy) in [
        (
            "limit = { requests = 5, per = \"hour\" }",
            5,
            r#""principal";q=5;w=3600"#,
        ),
        (
            "limits.clients = { requests = 1000, per = \"hour\", burst = 4 }",
            4,
            r#""client";q=1000;w=3600"#,
        ),
        (
            "limits.methods.\"tools/call\" = { requests = 3, per = \"hour\" }",
            4,
            r#""method";q=3;w=3600"#,
        ),
        (
            "limits.tools.export = { requests = 2, per = \"minute\" }",
            7,
            r#""tool";q=2;w=60"#,
        ),
        (
            "limits.scopes.\"files:read\" = { requests = 1, per = \"minute\" }",
            4,
            r#""scope";q=1;w=60"#,
        ),
        (
            "limit = { requests = 20, per = \"hour\" }\nlimits.tool_costs.export = 9",
            4,
            r#""principal";q=20;w=3600"#,
        ),
        (
            "limits.peers.limit = { requests = 6, per = \"hour\" }",
            6,
            r#""peer";q=6;w=3600"#,
        ),
    ] {
        assert_eq!(
            ends(lines, &calls).await,
            (count, policy.to_owned()),
            "{lines}"
        );
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (lines, message) in [
        (
            "limits.clients = \"unlimited\"",
            "`limits.clients`: expected a table with `requests` and `per`, found text",
        ),
        (
            "limits.tools = [\"export\"]",
            "`limits.tools`: expected a table by names, of a table with `requests` and `per` each, found a list",
        ),
        (
            "limits.tools.export = { requests = 0, per = \"hour\" }",
            "`limits.tools.export.requests`: expected a whole number from 1 to 4294967295, found a number out of range",
        ),
        (
            "limits.tools.\"\" = { requests = 1, per = \"hour\" }",
            "`limits`.tools`: expected text, found empty text",
        ),
        (
            "limits.tools.\"a b\" = { requests = 1 }",
            "`limits.tools.\"a b\".per`: is missing",
        ),
        (
            "limits.tool_costs.export = 0",
            "`limits.tool_costs.export`: expected a whole number from 1 to 4294967295, found a number out of range",
        ),
        (
            "limits.calls_at_once = 0",
            "`limits.calls_at_once`: expected a whole number from 1 to 4294967295, found a number out of range",
        ),
        (
            "limits.peers = { proxies = [\"10.0.0.0/8\"] }",
            "`limits.peers.forwarded_by`: is missing beside `proxies`",
        ),
        (
            "limits.peers = { forwarded_by = \"forwarded\" }",
            "`limits.peers.proxies`: is missing beside `forwarded_by`",
        ),
        (
            "limits.peers = { proxies = [\"10.0.0.0/33\"], forwarded_by = \"forwarded\" }",
            "`limits.peers.proxies[0]`: expected a network such as `10.0.0.0/8`, or an address, found another text",
        ),
        (
            "limits.peers = { proxies = [], forwarded_by = \"forwarded\" }",
            "`limits.peers.proxies`: expected a list with one member at least, found an empty list",
        ),
        (
            "limits.peers = { proxies = [\"::1\"], forwarded_by = \"x-real-ip\" }",
            "`limits.peers.forwarded_by`: expected one of `x-forwarded-for`, `forwarded`, found another text",
        ),
    ] {
        at(
            &about(lines, ""),
            2,
            &message.replace("`limits`.", "`limits."),
        );
    }
}

#[test]
fn what_depends_on_the_guard_is_told_by_its_key() {
    let (key, message) = refused("limits.methods.\"tool/call\" = { requests = 1, per = \"hour\" }");
    assert_eq!(key, "limits.methods.\"tool/call\"");
    assert!(
        message.starts_with("there is no such key; there are `completion/complete`"),
        "{message}"
    );
    let (key, message) = refused("limits.scopes.\"files:raed\" = { requests = 1, per = \"hour\" }");
    assert_eq!(key, "limits.scopes.\"files:raed\"");
    assert!(
        message.starts_with("expected a scope of the vocabulary: "),
        "{message}"
    );
    let costs = "expected no more requests than the quota of a principal or client allows at once";
    for lines in [
        "limits.tool_costs.export = 201",
        "limit = { requests = 10, per = \"hour\" }\nlimits.tool_costs.export = 11",
        "limits.tool_costs.export = 11\nlimits.clients = { requests = 10, per = \"hour\" }",
    ] {
        let (key, message) = refused(lines);
        assert_eq!(
            (&*key, &*message),
            ("limits.tool_costs.export", costs),
            "{lines}"
        );
    }
    let clock = support::clock();
    drop(guard(
        &about("limit = \"unlimited\"\nlimits.tool_costs.export = 201", ""),
        &clock,
    ));
}
