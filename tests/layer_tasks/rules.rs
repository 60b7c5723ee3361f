//! What is demanded for a task: what the call that made it demands.

use std::time::Duration;

use clearance::AuthorizationLayer;
use clearance::mcp::{Policy, requires};
use serde_json::{Value, json};

use super::fixture::{
    ALICE, BOB, EVERYTHING, METHODS, REVISIONS, about, policy, site, site_with, verdict,
};
use crate::support::request::{MODERN, Request, whole};
use crate::support::{self, Fixture, ScopeB, plain};

/// RS-092: each method of tasks meets the rule of the tool, prompt, resource or method.
#[tokio::test]
async fn a_task_demands_what_made_it() {
    let site = site().await;
    for (call, too_little, enough) in [
        (
            "tools/call export",
            ("a", "lacks files:read a"),
            "files:read",
        ),
        (
            "tools/call db_query",
            ("files:read", "lacks files:write files:read"),
            "files:write",
        ),
        ("prompts/get greeting", ("b", "lacks a b"), "a"),
        ("resources/read file:///pub/a", ("a", "lacks b a"), "b"),
        ("resources/read file:///pub/x/../a", ("a", "lacks b a"), "b"),
        ("example/index", ("", "lacks files:read"), "mcp:admin"),
    ] {
        for revision in REVISIONS {
            let id = site.begin(revision, call, ALICE).await;
            for method in METHODS {
                let asked = about(revision, method, &id);
                let (scopes, expected) = too_little;
                let answer = site.send(&asked, ("alice", "c1", scopes)).await;
                assert_eq!(verdict(&answer), expected, "{revision} {method} of {call}");
                assert!(site.log.take().is_empty());
                let answer = site.send(&asked, ("alice", "c1", enough)).await;
                assert_eq!(verdict(&answer), "passed", "{revision} {method} of {call}");
                assert_eq!(site.log.take().len(), 1);
            }
        }
    }
}

/// Which arguments a task was made with nobody knows any more, so all that the rule names is demanded.
#[tokio::test]
async fn a_rule_about_arguments_demands_all_of_it() {
    let site = site().await;
    for revision in REVISIONS {
        let call = Request::new(revision, "tools/call deploy");
        let test = json!({ "params": { "arguments": { "prod": false } } });
        let answer = site.send(&call.patched(&test), ("alice", "c1", "a")).await;
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        let id = body["result"]["task"].as_str().expect("an id");
        for (scopes, expected) in [
            ("a", "lacks b a"),
            ("b", "lacks a b"),
            ("", "lacks a b"),
            ("a b", "passed"),
        ] {
            let asked = about(revision, "tasks/get", id);
            // Arguments of the request about the task are others.
            for asked in [asked.clone(), asked.patched(&test)] {
                let answer = site.send(&asked, ("alice", "c1", scopes)).await;
                assert_eq!(verdict(&answer), expected, "with {scopes:?}");
            }
        }
    }
}

/// RS-092: who wants to be told of a task needs what asking for it needs.
#[tokio::test]
async fn listening_to_a_task_demands_what_made_it() {
    let site = site().await;
    let export = site.begin(MODERN, "tools/call export", ALICE).await;
    let greeting = site.begin(MODERN, "prompts/get greeting", ALICE).await;
    let bobs = site.begin(MODERN, "tools/call export", BOB).await;
    let unknown = "400 -32602";
    for (ids, scopes, expected) in [
        (vec![&export], "", "lacks files:read"),
        (vec![&export], "files:read", "passed"),
        (vec![&export, &greeting], "files:read", "lacks a files:read"),
        (vec![&export, &greeting], "files:read a", "passed"),
        (vec![&bobs], EVERYTHING, unknown),
        (vec![&export, &bobs], EVERYTHING, unknown),
        (vec![&"no-such-task".to_owned()], EVERYTHING, unknown),
        (vec![], "", "passed"),
    ] {
        let wanted = json!({ "params": { "notifications": { "taskIds": ids } } });
        let asked = Request::new(MODERN, "subscriptions/listen").patched(&wanted);
        let answer = site.send(&asked, ("alice", "c1", scopes)).await;
        assert_eq!(verdict(&answer), expected, "{ids:?}");
    }
}

/// A task of something whose subject is not known any more cannot be decided about.
#[tokio::test]
async fn what_is_about_something_else_makes_no_task() {
    let site = site().await;
    for call in ["subscriptions/listen", "completion/complete"] {
        let id = site.begin(MODERN, call, ALICE).await;
        let answer = site.send(&about(MODERN, "tasks/get", &id), ALICE).await;
        assert_eq!(verdict(&answer), "400 -32602", "{call}");
    }
}

/// A rule about the caller is asked again for each request.
#[tokio::test]
async fn a_rule_about_the_caller_counts_for_tasks() {
    let site = site().await;
    for revision in REVISIONS {
        let mine = ("alice", "mine", "");
        let id = site.begin(revision, "tools/call mine", mine).await;
        let asked = about(revision, "tasks/get", &id);
        assert_eq!(verdict(&site.send(&asked, mine).await), "passed");
        // To another client of hers there is no such task, and not one that she may not see.
        let answer = site.send(&asked, ("alice", "c1", EVERYTHING)).await;
        assert_ne!(verdict(&answer), "closed");
        assert_ne!(verdict(&answer), "passed");
    }
}

/// What the policy closes while a task goes on is closed for the task as well.
#[tokio::test]
async fn a_task_is_judged_by_the_policy_of_today() {
    let lifetime = Duration::from_hours(1);
    let before = site_with(policy(), lifetime, plain::keys(), plain::keys()).await;
    let id = before.begin("2025-11-25", "tools/call export", ALICE).await;
    let asked = about("2025-11-25", "tasks/get", &id);
    assert_eq!(verdict(&before.send(&asked, ALICE).await), "passed");
    // The same guard, and so the same owner, under another policy.
    let after = |policy: Policy<Fixture>| {
        let layer = AuthorizationLayer::builder(&before.guard, policy);
        let layer = layer.seal_keys(plain::keys()).build().expect("a layer");
        support::spawn(plain::application(&before.log).layer(layer))
    };
    let closed = Policy::closed().tasks();
    let stricter = Policy::closed()
        .tool("export", requires::<ScopeB>())
        .tasks();
    for (policy, expected) in [(closed, "closed"), (stricter, "lacks b files:read")] {
        let (address, task) = after(policy).await;
        let request = asked
            .clone()
            .bearer(&before.token(("alice", "c1", "files:read")));
        let answer = support::raw(address, &request.bytes()).await;
        assert_eq!(verdict(&whole(answer)), expected);
        task.abort();
    }
    assert_eq!(before.log.take(), ["tasks/get 0"]);
}
