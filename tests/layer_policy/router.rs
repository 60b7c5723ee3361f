//! A router's policy, used for a layer before a server that is none.

use clearance::mcp::any_valid_token;
use clearance::{AuthorizationLayer, Guard};
use serde_json::Value;

use super::fixture;
use crate::support::mcp::{Log, McpServer, REVISIONS, router, server};
use crate::support::request::{Request, messages};
use crate::support::{self, Answer, Fixture, plain};

/// The plain server behind a layer that has the policy of the router of `support/mcp.rs`.
async fn plain_server() -> McpServer {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = support::strict(&issuer, &clock).unlimited().build();
    let guard: Guard<Fixture> = guard.expect("a guard");
    guard.ready().await.expect("keys");
    let log = Log::default();
    let policy = router(&guard, &log).policy();
    let layer = AuthorizationLayer::builder(&guard, policy).seal_keys(plain::keys());
    let layer = layer.build().expect("a layer");
    let (address, task) = support::spawn(plain::application(&log).layer(layer)).await;
    McpServer {
        issuer,
        clock,
        log,
        guard,
        address,
        task,
    }
}

/// The decision in an answer: its status and challenge, and the code of each error.
fn decision(answer: &Answer) -> (u16, Option<&str>, Vec<Value>) {
    let mut all = Vec::new();
    for message in messages(answer) {
        match message.as_array() {
            Some(batch) => all.extend(batch.iter().cloned()),
            None => all.push(message),
        }
    }
    // The router tells of progress.
    all.retain(|message| message.get("method").is_none());
    let codes = all.iter().map(|message| message["error"]["code"].clone());
    let codes = codes.collect();
    (answer.status, answer.header("www-authenticate"), codes)
}

const CALLS: [&str; 19] = [
    "tools/call get_weather",
    "tools/call delete_file",
    "tools/call one_of",
    "tools/call whoami",
    "tools/call export",
    "prompts/get greeting",
    "resources/read file:///pub/readme.txt",
    "resources/read file:///pub/a.txt",
    "resources/read file:///pub/x/../readme.txt",
    "resources/read file:///private/../pub/a.txt",
    "resources/read file:///private/b/c.txt",
    "completion/complete",
    "logging/setLevel",
    "example/index",
    "example/other",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
];

const TOKENS: [&str; 9] = [
    "",
    "mcp:tools.read",
    "files:read",
    "files:write",
    "files:read files:write",
    "mcp:admin",
    "a",
    "b",
    fixture::EVERYTHING,
];

/// Each call with each token is decided alike by the router and by a layer with the router's policy,
/// and what runs is the same.
#[tokio::test]
async fn a_layer_decides_as_the_router_whose_policy_it_has() {
    let (router, layer) = (server().await, plain_server().await);
    let mut ran = 0;
    let mut refused = 0;
    for call in CALLS.into_iter().chain([
        "batch tools/call get_weather + tools/call export",
        "batch tools/call delete_file + prompts/get greeting",
        "ping",
        "initialize",
        "server/discover",
    ]) {
        for revision in REVISIONS {
            if call.starts_with("batch ") && revision != "2025-03-26" {
                continue;
            }
            for scopes in TOKENS {
                let request = Request::new(revision, call);
                let theirs = router
                    .send(&request.clone().bearer(&router.token(scopes)))
                    .await;
                let ours = layer.send(&request.bearer(&layer.token(scopes))).await;
                assert_eq!(
                    decision(&ours),
                    decision(&theirs),
                    "{revision} {call} with {scopes:?}"
                );
                let log = router.log.take();
                assert_eq!(layer.log.take(), log, "{revision} {call} with {scopes:?}");
                ran += usize::from(!log.is_empty());
                refused += usize::from(theirs.status == 403);
            }
        }
    }
    assert!(
        ran > 100 && refused > 100,
        "{ran} ran, {refused} were refused"
    );
}

/// It is the same type, so rules can be added to it, and it prints as the router's own.
#[tokio::test]
async fn a_routers_policy_can_be_added_to() {
    let server = plain_server().await;
    let own = router(&server.guard, &server.log).policy();
    let rules = own.rules().len();
    let more = own.clone().tool("legacy", any_valid_token());
    assert_eq!(more.rules().len(), rules + 1);
    let table = more.to_string();
    assert!(own.to_string().lines().skip(1).all(|line| {
        let mut words = line.split_whitespace();
        words.all(|word| table.contains(word))
    }));
    let layer = AuthorizationLayer::builder(&server.guard, more).seal_keys(plain::keys());
    layer.build().expect("a layer");
    // A name that the router has already is not decided about twice.
    let twice = own.tool("whoami", any_valid_token());
    let layer = AuthorizationLayer::builder(&server.guard, twice).seal_keys(plain::keys());
    let error = layer.build().expect_err("two rules").to_string();
    assert!(
        error.starts_with("the tool `whoami` has two rules: "),
        "{error}"
    );
    assert!(
        error.contains("tests/support/mcp.rs:") && error.contains(file!()),
        "{error}"
    );
}
