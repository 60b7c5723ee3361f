//! Decisions that no scope changes: nobody, and only some.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clearance::Authorized;
use clearance::mcp::method::{
    CompletionComplete, LoggingSetLevel, Other, SubscriptionsListen, ToolsList,
};
use clearance::mcp::{Policy, any_valid_token, nobody, requires};
use serde_json::json;

use super::fixture::{EVERYTHING, Site, read, request, site, tool};
use crate::support::mcp::REVISIONS;
use crate::support::request::{MODERN, Request};
use crate::support::{FilesRead, Fixture, ScopeA, ScopeB};

/// RS-023: what is switched off is switched off for everybody, and nobody is asked for a scope.
#[tokio::test]
async fn nobody_is_nobody() {
    let policy = Policy::<Fixture>::closed()
        .tool("off", nobody())
        .tool("on", any_valid_token())
        .tool_prefix("old_", nobody())
        .tool("old_but_good", requires::<ScopeA>())
        .prompts(nobody())
        .prompt("greeting", any_valid_token())
        .resource("file:///off/*", nobody())
        .resource("file:///on/*", any_valid_token())
        .completion_of_prompt("greeting", nobody())
        .method(CompletionComplete, any_valid_token())
        .method(LoggingSetLevel, nobody())
        .method(SubscriptionsListen, any_valid_token())
        .method(Other("initialize"), nobody())
        .method(ToolsList, any_valid_token());
    let site = site(policy).await;
    let prompt = |name: &str| request(MODERN, "prompts/get", &json!({ "name": name }));
    let completed = json!({ "ref": { "type": "ref/prompt", "name": "greeting" } });
    let listen = |uri: &str| {
        let params = json!({ "notifications": { "resourceSubscriptions": [uri] } });
        request(MODERN, "subscriptions/listen", &params)
    };
    let mut closed = vec![
        tool("off"),
        tool("old_tool"),
        tool("old_"),
        prompt("other"),
        read("file:///off/a"),
        listen("file:///off/a"),
        request(MODERN, "completion/complete", &completed),
    ];
    closed.extend(REVISIONS.map(|revision| request(revision, "logging/setLevel", &json!({}))));
    closed.push(request("2025-11-25", "initialize", &json!({})));
    for asked in closed {
        for scopes in ["", "files:read", EVERYTHING] {
            let verdict = site.ask(&asked, scopes).await;
            assert_eq!(verdict, "closed", "{}", asked.body);
        }
    }
    for (asked, scopes) in [
        (tool("on"), ""),
        (tool("old_but_good"), "a"),
        (prompt("greeting"), ""),
        (read("file:///on/a"), ""),
        (listen("file:///on/a"), ""),
        (request(MODERN, "tools/list", &json!({})), ""),
    ] {
        assert_eq!(site.ask(&asked, scopes).await, "passed", "{}", asked.body);
    }
    // One such call spoils a batch, whatever else its caller lacks.
    let batch = Request::new(
        "2025-03-26",
        "batch tools/call old_but_good + tools/call off",
    );
    let answer = site.send(&batch, &site.scoped("").mint()).await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (403, None)
    );
    assert!(site.log.take().is_empty());
}

async fn ask_as(
    site: &Site,
    asked: &Request,
    (subject, client): (&str, &str),
    scopes: &str,
) -> String {
    let token = site.scoped(scopes).subject(subject).client(client).mint();
    site.ask_with(asked, &token).await
}

/// RS-023: whom a rule does not mean is not told of scopes, even of one that is missing as well.
#[tokio::test]
async fn only_some_callers_may() {
    let policy = Policy::<Fixture>::closed()
        .tool(
            "export",
            requires::<FilesRead>().only_if(|auth| auth.client().as_str() == "reports"),
        )
        .tool(
            "both",
            any_valid_token()
                .only_if(|auth| auth.client().as_str() == "reports")
                .only_if(|auth| auth.subject().as_str() == "alice"),
        )
        .tool_prefix(
            "mine_",
            requires::<ScopeA>().only_if(Authorized::may::<ScopeB>),
        )
        .resource(
            "file:///alice/*",
            any_valid_token().only_if(|auth| auth.subject().as_str() == "alice"),
        )
        .method(SubscriptionsListen, any_valid_token());
    let site = site(policy).await;
    let (alice, bob, other) = (("alice", "reports"), ("bob", "reports"), ("alice", "other"));
    let listen = json!({ "notifications": { "resourceSubscriptions": ["file:///alice/a"] } });
    let listen = request(MODERN, "subscriptions/listen", &listen);
    for (asked, caller, scopes, verdict) in [
        (tool("export"), alice, "files:read", "passed"),
        (tool("export"), bob, "files:read", "passed"),
        (tool("export"), alice, "a", "lacks files:read a"),
        (tool("export"), other, "files:read", "closed"),
        (tool("export"), other, "", "closed"),
        (tool("export"), other, EVERYTHING, "closed"),
        (tool("both"), alice, "", "passed"),
        (tool("both"), bob, EVERYTHING, "closed"),
        (tool("both"), other, EVERYTHING, "closed"),
        (tool("mine_a"), alice, "a b", "passed"),
        (tool("mine_a"), alice, "b", "lacks a b"),
        (tool("mine_a"), alice, "a", "closed"),
        (read("file:///alice/a"), alice, "", "passed"),
        (read("file:///alice/a"), bob, EVERYTHING, "closed"),
        (read("file:///bob/../alice/a"), bob, EVERYTHING, "closed"),
        (listen.clone(), alice, "", "passed"),
        (listen, bob, EVERYTHING, "closed"),
    ] {
        let seen = ask_as(&site, &asked, caller, scopes).await;
        assert_eq!(
            seen, verdict,
            "{} as {caller:?} with {scopes:?}",
            asked.body
        );
    }
    let batch = Request::new("2025-03-26", "batch tools/call both + tools/call export");
    let token = site.scoped("").subject("alice").client("other").mint();
    let answer = site.send(&batch, &token).await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (403, None)
    );
    assert!(site.log.take().is_empty());
}

/// A rule may look at something that changes; each request is judged anew.
#[tokio::test]
async fn a_condition_is_asked_for_each_request() {
    let is_open = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_open);
    let rule = any_valid_token().only_if(move |_| seen.load(Ordering::SeqCst));
    let site = site(Policy::<Fixture>::closed().tool("shop", rule)).await;
    let token = site.scoped("").mint();
    assert_eq!(site.ask_with(&tool("shop"), &token).await, "closed");
    is_open.store(true, Ordering::SeqCst);
    assert_eq!(site.ask_with(&tool("shop"), &token).await, "passed");
    is_open.store(false, Ordering::SeqCst);
    assert_eq!(site.ask_with(&tool("shop"), &token).await, "closed");
}

/// RS-007: without a rule there is nothing, and what is open was opened in so many words.
#[tokio::test]
async fn what_has_no_rule_is_closed_until_the_rest_is_opened() {
    let closed = site(Policy::<Fixture>::closed()).await;
    let open = Policy::<Fixture>::closed()
        .tools(any_valid_token())
        .prompts(requires::<ScopeA>())
        .resources(requires::<ScopeB>());
    let open = site(open).await;
    for revision in REVISIONS {
        for (method, params, scopes, verdict) in [
            ("tools/call", json!({ "name": "new" }), "", "passed"),
            ("prompts/get", json!({ "name": "new" }), "", "lacks a"),
            ("prompts/get", json!({ "name": "new" }), "a", "passed"),
            (
                "resources/read",
                json!({ "uri": "file:///new" }),
                "a",
                "lacks b a",
            ),
            (
                "resources/read",
                json!({ "uri": "file:///new" }),
                "b",
                "passed",
            ),
        ] {
            let asked = request(revision, method, &params);
            assert_eq!(open.ask(&asked, scopes).await, verdict, "{method}");
            assert_eq!(closed.ask(&asked, EVERYTHING).await, "closed", "{method}");
        }
        // Methods are never opened by their rest.
        for method in ["tools/list", "example/index", "logging/setLevel"] {
            let asked = request(revision, method, &json!({}));
            assert_eq!(open.ask(&asked, EVERYTHING).await, "404 -32601", "{method}");
        }
    }
    for (revision, method, verdict) in [
        ("2025-11-25", "initialize", "passed"),
        ("2025-11-25", "ping", "passed"),
        ("2025-11-25", "server/discover", "404 -32601"),
        (MODERN, "server/discover", "passed"),
        (MODERN, "initialize", "404 -32601"),
        (MODERN, "ping", "404 -32601"),
    ] {
        let asked = request(revision, method, &json!({}));
        assert_eq!(closed.ask(&asked, "").await, verdict, "{revision} {method}");
    }
}
