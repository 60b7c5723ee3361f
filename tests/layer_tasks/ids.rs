//! What is no task id, and requests that name none.

use std::time::Duration;

use axum::http::request::Parts;
use clearance::Authorized;
use clearance::mcp::{Policy, any_valid_token};
use clearance::session::{Purpose, Seal, TaskId, TaskOrigin};
use serde_json::{Value, json};

use super::fixture::{ALICE, METHODS, REVISIONS, Site, about, plainly, site, site_with, verdict};
use crate::support::http::parts_with;
use crate::support::request::{MODERN, Request};
use crate::support::{ScopeA, plain};

const HOUR: Duration = Duration::from_hours(1);

/// A purpose that has the same content.
struct Other;

impl Purpose for Other {
    const NAME: &'static str = "example.task";
    type Content = TaskOrigin;
}

/// What looks like a task, and is read like one.
struct Nested;

impl Purpose for Nested {
    const NAME: &'static str = "clearance.tas";
    type Content = Value;
}

async fn alice(site: &Site) -> Authorized<ScopeA> {
    let mut parts: Parts = parts_with(&site.token(ALICE));
    site.guard.authorize(&mut parts).await.expect("a proof")
}

/// RS-107: only what was sealed as a task id, for every request of its owner, is one.
#[tokio::test]
async fn what_was_sealed_for_something_else_is_no_task() {
    let site = site().await;
    let auth = alice(&site).await;
    let origin = || TaskOrigin::new("tools/call", "export", "0");
    let tasks = Seal::<TaskId>::new(plain::keys(), HOUR);
    let others = Seal::<Other>::new(plain::keys(), HOUR);
    let nested = Seal::<Nested>::new(plain::keys(), HOUR);
    let other = others.seal(&auth, "", &origin()).expect("a value");
    let with_request = tasks.seal(&auth, "tasks/get", &origin()).expect("a value");
    // Where one text ends and the next begins does not change what is sealed.
    let shifted = nested.seal(&auth, "k", &json!(origin())).expect("a value");
    let over = Seal::<TaskId>::new(plain::keys(), Duration::ZERO);
    let over = over.seal(&auth, "", &origin()).expect("a value");
    let sound = tasks.seal(&auth, "", &origin()).expect("a value");
    for revision in REVISIONS {
        let unknown = site
            .send(&about(revision, "tasks/get", "none"), ALICE)
            .await;
        let unknown = plainly(unknown);
        for (what, id) in [
            ("of another purpose", other.as_str()),
            ("for one request", with_request.as_str()),
            ("shifted", shifted.as_str()),
            ("over", over.as_str()),
        ] {
            let answer = site.send(&about(revision, "tasks/get", id), ALICE).await;
            assert_eq!(plainly(answer), unknown, "{what}");
        }
        assert!(site.log.take().is_empty());
        let answer = site
            .send(&about(revision, "tasks/get", sound.as_str()), ALICE)
            .await;
        assert_eq!(verdict(&answer), "passed");
        assert_eq!(site.log.take(), ["tasks/get 0"]);
    }
}

/// A method that is called in a task can be any; what is none of those with names is decided about by
/// its method.
#[tokio::test]
async fn a_task_of_an_unknown_method_is_closed() {
    let site = site().await;
    let auth = alice(&site).await;
    let tasks = Seal::<TaskId>::new(plain::keys(), HOUR);
    for (method, name, verdict_of_all) in [
        ("example/index", "", "passed"),
        ("example/other", "", "404 -32601"),
        ("", "", "404 -32601"),
        ("tasks/get", "export", "404 -32601"),
        ("tools/call", "none", "closed"),
        ("tools/call", "", "closed"),
        ("tools/call", "off", "closed"),
        ("prompts/get", "export", "closed"),
        ("resources/read", "export", "closed"),
        ("resources/read", "file:///pub/../a", "closed"),
        ("initialize", "", "passed"),
    ] {
        let origin = TaskOrigin::new(method, name, "0");
        let id = tasks.seal(&auth, "", &origin).expect("an id");
        for revision in REVISIONS {
            let answer = site
                .send(&about(revision, "tasks/get", id.as_str()), ALICE)
                .await;
            assert_eq!(verdict(&answer), verdict_of_all, "{method} {name}");
        }
    }
}

/// RS-092: tasks are closed until the policy opens them, and a list of them, which names none, stays
/// closed.
#[tokio::test]
async fn tasks_are_closed_until_they_are_opened() {
    let open = site().await;
    let closed = Policy::closed().tool("export", any_valid_token());
    let closed = site_with(closed, HOUR, plain::keys(), plain::keys()).await;
    for revision in REVISIONS {
        let id = closed.begin(revision, "tools/call export", ALICE).await;
        for method in METHODS {
            let answer = closed.send(&about(revision, method, &id), ALICE).await;
            assert_eq!(verdict(&answer), "404 -32601", "{method}");
        }
        let id = open.begin(revision, "tools/call export", ALICE).await;
        for method in ["tasks/list", "tasks/delete", "tasks/", "tasks/get/all"] {
            for site in [&open, &closed] {
                let with_id = about(revision, method, &id);
                let answer = site.send(&with_id, ALICE).await;
                assert_eq!(verdict(&answer), "404 -32601", "{method}");
                let answer = site.send(&Request::new(revision, method), ALICE).await;
                assert_eq!(verdict(&answer), "404 -32601", "{method}");
            }
        }
        assert_eq!((open.log.take().len(), closed.log.take().len()), (0, 0));
    }
}

/// A request has to name one task, and its header the same one.
#[tokio::test]
async fn a_request_names_one_task() {
    let site = site().await;
    for revision in REVISIONS {
        let id = site.begin(revision, "tools/call export", ALICE).await;
        let other = site.begin(revision, "tools/call export", ALICE).await;
        for method in METHODS {
            let asked = about(revision, method, &id);
            for patch in [
                json!({ "params": { "taskId": null } }),
                json!({ "params": { "taskId": 7 } }),
                json!({ "params": { "taskId": [id] } }),
                json!({ "params": { "taskId": { "id": id } } }),
                json!({ "params": { "TaskId": other } }),
                json!({ "params": { "taskid": other } }),
            ] {
                let answer = site.send(&asked.clone().patched(&patch), ALICE).await;
                assert_eq!(
                    verdict(&answer),
                    "400 -32602",
                    "{revision} {method} {patch}"
                );
            }
            let twice = format!(r#""taskId":"{other}","taskId""#);
            let twice = asked
                .clone()
                .body(&asked.body.replace(r#""taskId""#, &twice));
            let answer = site.send(&twice, ALICE).await;
            assert_eq!(verdict(&answer), "400 -32602", "{revision} {method}");
        }
        assert!(site.log.take().is_empty());
    }
}

/// In 2026-07-28 the headers say the same as the body.
#[tokio::test]
async fn a_header_names_the_same_task() {
    let site = site().await;
    let id = site.begin(MODERN, "tools/call export", ALICE).await;
    let other = site.begin(MODERN, "tools/call export", ALICE).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let asked = about(MODERN, method, &id);
        for wrong in [
            asked.clone().without("mcp-name"),
            asked.clone().with("mcp-name", &other),
            asked.clone().also("mcp-name", &id),
            asked.clone().with("mcp-method", "tasks/result"),
        ] {
            let answer = site.send(&wrong, ALICE).await;
            assert_eq!(verdict(&answer), "400 -32020", "{method}");
        }
        assert!(site.log.take().is_empty());
        assert_eq!(verdict(&site.send(&asked, ALICE).await), "passed");
        assert_eq!(site.log.take().len(), 1);
    }
}
